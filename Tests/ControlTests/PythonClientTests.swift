import Dispatch
import FoundationEssentials
import Glibc
import Testing

@testable import Control

private let isPythonVarlinkInstalled = system("python3 -c 'import varlink' 2>/dev/null") == 0

@Suite("Python's varlink package as a client", .timeLimit(.minutes(2)), .enabled(if: isPythonVarlinkInstalled))
struct PythonClientTests {
    @Test("introspects the interface, calls, follows, and gets typed errors")
    func everything() async throws {
        let service = FakeService(
            onPush: { input in
                guard input.image != "missing" else {
                    throw ControlError(.imageNotFound, "no image missing", advice: "look")
                }
                return .named(input.image + " to " + (input.destinations ?? []).joined(separator: " "))
            },
            onFollow: { input in
                AsyncThrowingStream { continuation in
                    for state in ["queued", "running", "succeeded"] {
                        for id in input.jobs { continuation.yield(Follow.Output(job: .sample(id: id, state: state))) }
                    }
                }
            })
        try await withServer(service) { fixture in
            let script = fixture.path + ".py"
            try Data(Self.script.utf8).write(to: URL(filePath: script))
            let status = await run("python3 \(script) \(fixture.path) > \(script).out 2>&1")
            let output = try String(contentsOf: URL(filePath: script + ".out"), encoding: .utf8)
            #expect(status == 0, "\(output)")
            #expect(
                output.split(separator: "\n") == [
                    "pushd 1.2.3", "org.varlink.service org.pushd.Control", "Push documented: True",
                    "image: a to b c", "1 queued", "2 queued", "1 running", "2 running", "1 succeeded", "2 succeeded",
                    "org.pushd.Control.ImageNotFound: no image missing, look",
                    "org.varlink.service.InvalidParameter: job",
                    "org.pushd.Control.ParameterInvalid: priority can't be 500, "
                        + "it is a whole number from -100 to 100, parameter-invalid",
                ], "\(output)")
        }
    }

    private static let script = """
        import sys
        import varlink

        client = varlink.Client("unix:" + sys.argv[1])
        with client.open("org.varlink.service") as service:
            info = service.GetInfo()
            print(info["product"], info["version"])
            print(*info["interfaces"])
        interface = client.get_interface("org.pushd.Control")
        push = interface.get_method("Push")
        print("Push documented:", "one job for each destination" in push.doc)
        with client.open("org.pushd.Control") as control:
            print("image:", control.Push(image="a", destinations=["b", "c"])["jobs"][0]["image"])
            for reply in control.Follow(jobs=[1, 2], _more=True):
                print(reply["job"]["id"], reply["job"]["state"])
            try:
                control.Push(image="missing")
            except varlink.VarlinkError as error:
                fields = error.parameters()
                print(error.error() + ":", fields["message"] + ",", fields["advice"])
            try:
                control.Show(job=10**30)
            except varlink.VarlinkError as error:
                print(error.error() + ":", error.parameters()["parameter"])
            try:
                control.Push(image="a", priority=500)
            except varlink.VarlinkError as error:
                fields = error.parameters()
                print(error.error() + ":", fields["message"] + ",", fields["advice"] + ",", fields["code"])

        """

    private func run(_ command: String) async -> Int32 {
        await withCheckedContinuation { continuation in
            DispatchQueue(label: "python").async { continuation.resume(returning: system(command)) }
        }
    }
}
