import Dispatch
import Synchronization
import TestSupport
import Testing

@testable import pushd

@Suite("The names of users", .timeLimit(.minutes(1)))
struct UserNamesTests {
    @Test("are asked for once, also where many ask at the same time, and an unknown one too")
    func once() async {
        let asked = Mutex<[UInt32]>([])
        let names = UserNames(patience: .seconds(60)) { uid in
            asked.withLock { $0.append(uid) }
            return uid == 1 ? "ann" : nil
        }
        await withTaskGroup(of: String?.self) { group in
            for _ in 0..<50 { group.addTask { await names.name(of: 1) } }
            for await name in group { #expect(name == "ann") }
        }
        #expect(await names.name(of: 2) == nil)
        #expect(await names.name(of: 2) == nil)
        #expect(asked.withLock { $0 } == [1, 2])
    }

    @Test("that a database does not tell in time are missing, and hold nobody up")
    func stuck() async {
        let gate = DispatchSemaphore(value: 0)
        let names = UserNames(patience: .milliseconds(5)) { _ in
            gate.wait()
            return "late"
        }
        #expect(await names.name(of: 1) == nil)
        #expect(await names.name(of: 1) == nil)
        gate.signal()
        var name: String?
        while name == nil { name = await names.name(of: 1) }
        #expect(name == "late")
    }

    @Test("are numbers too, where a user is looked for")
    func numbers() async {
        #expect(UserDatabase.id(of: "root") == 0)
        #expect(UserDatabase.id(of: "4000000000") == 4_000_000_000)
        #expect(UserDatabase.id(of: "4294967295") == nil)
        #expect(UserDatabase.id(of: "no such user") == nil)
        #expect(UserDatabase.name(of: 0) == "root")
    }
}
