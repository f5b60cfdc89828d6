import Testing

@testable import HTTP

@Suite("Admission")
struct AdmissionTests {
    private let one = HTTPOrigin(scheme: .http, host: "a", port: 1)
    private let other = HTTPOrigin(scheme: .http, host: "a", port: 2)

    @Test("lets so many in for each origin, the others in their order")
    func order() {
        var admission = Admission<String>(limit: 2)
        let entered = [one, one, one, one, other].enumerated().map { admission.enter($1, id: UInt64($0), "\($0)") }
        #expect(entered == [true, true, false, false, true], "another origin is not held up")
        let next = [admission.leave(one), admission.leave(other), admission.leave(one)]
        #expect(next == ["2", nil, "3"])

        let isIn = admission.enter(one, id: 6, "6")
        #expect(!isIn, "two still run")
        let withdrawn = [admission.withdraw(id: 6), admission.withdraw(id: 6), admission.leave(one)]
        #expect(withdrawn == ["6", nil, nil])
        let isInNow = admission.enter(one, id: 7, "7")
        #expect(isInNow)
    }

    @Test("gives all back that wait")
    func all() {
        var admission = Admission<String>(limit: 1)
        for number in 1...3 { _ = admission.enter(one, id: UInt64(number), "\(number)") }
        let all = [admission.withdrawAll(), admission.withdrawAll()]
        #expect(all == [["2", "3"], []])
    }
}
