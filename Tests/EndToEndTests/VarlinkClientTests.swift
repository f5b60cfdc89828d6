import FoundationEssentials
import OCI
import TestSupport
import Testing

/// A Varlink client that was written by others, against the daemon itself.
@Suite("Python's varlink package and pushd", .timeLimit(.minutes(5)))
struct VarlinkClientTests {
    static var isPythonVarlinkInstalled: Bool {
        get async { (try? await ProcessRunner.run("python3", ["-c", "import varlink"]))?.status == 0 }
    }

    @Test(
        "introspect the interface, enqueue a push, follow it to its end, and read a typed error",
        .enabled("python's varlink package is needed") { await isPythonVarlinkInstalled })
    func pushes() async throws {
        try await Machine.with { machine in
            let builder = try LayoutBuilder(directory: machine.layout)
            let image = try builder.addImage(layers: [try builder.addLayer(size: 100_000)], name: "app:1")
            try builder.writeIndexJSON()
            try await TestRegistry.with { registry in
                try await machine.withDaemon { _ async throws in
                    let script = try machine.directory.write(Array(Self.script.utf8), to: "client.py")
                    let destination = registry.address + "/team/app:1"
                    let result = try await ProcessRunner.run("python3", [script, machine.socket, destination])
                    #expect(result.status == 0, "\(result.errors)")
                    #expect(
                        result.output.split(separator: "\n") == [
                            "pushd org.varlink.service org.pushd.Control",
                            "Push Follow Show documented",
                            "job 1: \(destination) \(image.digest)",
                            "follows to succeeded, in order",
                            "org.pushd.Control.JobNotFound: there is no job 4711",
                            "org.pushd.Control.ImageNotFound",
                            "org.pushd.Control.ParameterInvalid: parameter-invalid: verify can't be \"some\": "
                                + "it is one of: none, manifest, blobs, deep",
                            "1 job in any state, 0 canceled",
                        ], "\(result.output)")
                    #expect(registry.tags("team/app")["1"] == image.digest)
                }
            }
        }
    }

    /// The blocks of a kind in a document, as one text.
    private static func blocks(_ kind: String, of document: String) -> String {
        document.matches(of: #/```([a-z]+)\n((?:[^`]|`[^`])*)```\n/#).filter { $0.1 == kind }.map { String($0.2) }
            .joined()
    }

    @Test(
        "the session in docs/varlink.md prints what stands there",
        .enabled("python's varlink package is needed") { await isPythonVarlinkInstalled })
    func document() async throws {
        let root = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let text = try String(contentsOf: URL(filePath: root + "/docs/varlink.md"), encoding: .utf8)
        let (script, output) = (Self.blocks("python", of: text), Self.blocks("text", of: text))
        try #require(script.contains("varlink.Client") && output.contains("it has succeeded"))
        try await Machine.with { machine in
            let builder = try LayoutBuilder(directory: machine.layout)
            try builder.addImage(layers: [try builder.addLayer(size: 1000)], name: "app:1")
            try builder.writeIndexJSON()
            try await TestRegistry.with { registry in
                try await machine.withDaemon { _ async throws in
                    let here = script.replacing("/run/pushd/pushd.sock", with: machine.socket)
                        .replacing("registry.example", with: registry.address)
                    let file = try machine.directory.write(Array(here.utf8), to: "session.py")
                    let result = try await ProcessRunner.run("python3", [file])
                    #expect(result.status == 0, "\(result.errors)")
                    #expect(result.output == output.replacing("registry.example", with: registry.address))
                }
            }
        }
    }

    private static let script = """
        import sys
        import varlink

        client = varlink.Client("unix:" + sys.argv[1])
        with client.open("org.varlink.service") as service:
            info = service.GetInfo()
            print(info["product"], *info["interfaces"])
        interface = client.get_interface("org.pushd.Control")
        names = ["Push", "Follow", "Show"]
        print(*[name for name in names if interface.get_method(name).doc], "documented")
        with client.open("org.pushd.Control") as control:
            job = control.Push(image="app:1", destinations=[sys.argv[2]])["jobs"][0]
            print("job %d: %s %s" % (job["id"], job["destination"], job["digest"]))
            states = [reply["job"]["state"] for reply in control.Follow(jobs=[job["id"]], _more=True)]
            order = ["queued", "running", "succeeded"]
            isOrdered = states == sorted(states, key=order.index)
            print("follows to", states[-1] + ",", "in order" if isOrdered else states)
            for call in (lambda: control.Show(job=4711), lambda: control.Push(image="absent:1", destinations=["x.test/y"])):
                try:
                    call()
                except varlink.VarlinkError as error:
                    message = error.parameters()["message"]
                    print(error.error() + (": " + message if "job" in message else ""))
            try:
                control.Push(image="app:1", verify="some")
            except varlink.VarlinkError as error:
                fields = error.parameters()
                print(": ".join([error.error(), fields["code"], fields["message"], fields["advice"]]))
            counts = [len(control.List(states=states)["jobs"]) for states in ([], ["canceled"])]
            print("%d job in any state, %d canceled" % tuple(counts))

        """
}
