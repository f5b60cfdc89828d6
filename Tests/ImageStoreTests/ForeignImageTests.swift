import Dispatch
import FoundationEssentials
import Glibc
import OCI
import TestSupport
import Testing

@testable import ImageStore

@Suite("An image where pushd does not read")
struct ForeignImageTests {
    @Test(
        "has advice for names without any letter, too",
        arguments: ForeignImage.Kind.allCases, ["@", "@@", "a/@", ":", "/", "", ".tar", "@:", "a:@", "\u{0}"])
    func anyName(kind: ForeignImage.Kind, name: String) throws {
        let error = ImageStoreError(.notSupported(ForeignImage(kind, name)), subject: name)
        #expect(error.aiming(at: ["r.example/a:1"]).advice != nil)
    }

    @Test(
        "gets the whole command that brings it to its destination",
        arguments: [
            (
                "docker:app:1", ["r.example/app:1"],
                "skopeo copy docker-daemon:app:1 oci:/tmp/app:1 && pushctl push oci:/tmp/app:1 r.example/app:1"
            ),
            (
                "docker:r.example/team/app", [],
                "skopeo copy docker-daemon:r.example/team/app:latest oci:/tmp/app:latest "
                    + "&& pushctl push oci:/tmp/app:latest r.example/team/app:latest"
            ),
            (
                "docker-daemon:app:1", [],
                "skopeo copy docker-daemon:app:1 oci:/tmp/app:1 && pushctl push oci:/tmp/app:1"
            ),
            (
                "podman:localhost/app:1", ["a.example/x:1", "b.example/y"],
                "podman push localhost/app:1 oci:/tmp/app:1 && pushctl push oci:/tmp/app:1 a.example/x:1 b.example/y"
            ),
            (
                "containers-storage:localhost/app", [],
                "skopeo copy containers-storage:localhost/app:latest oci:/tmp/app:latest "
                    + "&& pushctl push oci:/tmp/app:latest"
            ),
            (
                "containerd:k8s.io/docker.io/library/app:1", ["r.example/a:1"],
                "ctr -n k8s.io images export /tmp/app.tar docker.io/library/app:1 "
                    + "&& skopeo copy oci-archive:/tmp/app.tar oci:/tmp/app:1 && pushctl push oci:/tmp/app:1 r.example/a:1"
            ),
            (
                "docker-archive:/srv/my app's.tar.gz", ["r.example/a:1"],
                #"skopeo copy 'docker-archive:/srv/my app'\''s.tar.gz' oci:/tmp/myapps:latest "#
                    + "&& pushctl push oci:/tmp/myapps:latest r.example/a:1"
            ),
            (
                "docker-archive:/srv/all.tar:team/app:2", ["r.example/a:2"],
                "skopeo copy docker-archive:/srv/all.tar:team/app:2 oci:/tmp/app:2 "
                    + "&& pushctl push oci:/tmp/app:2 r.example/a:2"
            ),
            (
                "oci-archive:/srv/app.oci.tar:2", [],
                "skopeo copy oci-archive:/srv/app.oci.tar:2 oci:/tmp/app.oci:2 && pushctl push oci:/tmp/app.oci:2"
            ),
            ("dir:/srv/App", [], "skopeo copy dir:/srv/App oci:/tmp/app:latest && pushctl push oci:/tmp/app:latest"),
            ("docker://a.example/x:1", ["b.example/x:1"], "skopeo copy docker://a.example/x:1 docker://b.example/x:1"),
        ] as [(String, [String], String)])
    func commands(text: String, destinations: [String], expected: String) async throws {
        let error = try #require(throws: ImageStoreError.self) {
            try ImageName(parsing: text) { _ in .nothing }
        }
        let advice = try #require(error.aiming(at: destinations).advice)
        #expect(advice.contains(expected), "\(advice)")
        #expect(error.code == "not-supported")
        #expect(error.description.hasPrefix(text))
    }

    @Test("that may be an ordinary name is told how to write that")
    func likelyName() throws {
        let error = try #require(throws: ImageStoreError.self) {
            try ImageName(parsing: "docker:dind") { _ in .nothing }
        }
        #expect(error.advice?.contains("docker.io/library/docker:dind") == true)
    }

    @Test("is found by the engine's answer, whole or by a short name", arguments: [true, false])
    func engine(has: Bool) async throws {
        try await TemporaryDirectory.with { temporary in
            let engine = try Engine(temporary.file("docker.sock"), status: has ? "200 OK" : "404 Not Found")
            let places = ForeignImage.Places(docker: [temporary.file("docker.sock")])
            let found = await ForeignImage.look(for: "app", defaultTag: "1", in: places)
            #expect(found == (has ? ForeignImage(.docker, "app:1") : nil))
            #expect(await engine.request.hasPrefix("GET /images/app:1/json HTTP/1.0\r\n"))
        }
    }

    @Test("is not waited for where the engine is silent, and absent engines are no trouble")
    func silentEngine() async throws {
        try await TemporaryDirectory.with { temporary in
            let engine = try Engine(temporary.file("docker.sock"), status: nil)
            let places = ForeignImage.Places(
                docker: [temporary.file("none"), temporary.file("docker.sock")], podman: [temporary.path])
            #expect(await ForeignImage.look(for: "app:1", defaultTag: "latest", in: places) == nil)
            withExtendedLifetime(engine) {}
        }
    }

    @Test(
        "is found in the list of podman's store",
        arguments: [
            ("app:1", "localhost/app:1"), ("app", nil), ("localhost/app:1", "localhost/app:1"), ("pp:1", nil),
            ("docker.io/library/web:2", "docker.io/library/web:2"), ("web:2", "docker.io/library/web:2"),
            ("quay.io/app:1", nil),
        ] as [(String, String?)])
    func storage(name: String, expected: String?) async throws {
        try await TemporaryDirectory.with { temporary in
            let list = #"[{"id":"0"},{"id":"1","names":["localhost/app:1","docker.io/library/web:2"]}]"#
            try temporary.write(list.utf8, to: "storage/overlay-images/images.json")
            let places = ForeignImage.Places(storages: [temporary.file("absent"), temporary.file("storage")])
            let found = await ForeignImage.look(for: name, defaultTag: "latest", in: places)
            #expect(found == expected.map { ForeignImage(.podman, $0) })
        }
    }

    @Test("that no store of pushd has is told of with the command, and a search without it says what it always said")
    func told() async throws {
        let image = ImageStoreError(
            .imageElsewhere(ForeignImage(.podman, "localhost/app:1")), subject: "app:1 in oci:/x"
        )
        .aiming(at: ["r.example/app:1"])
        #expect(image.description.contains("localhost/app:1 is an image of podman"))
        #expect(
            image.advice?.hasSuffix(
                "podman push localhost/app:1 oci:/tmp/app:1 "
                    + "&& pushctl push oci:/tmp/app:1 r.example/app:1") == true)
    }
}

/// Takes one connection on a Unix socket, and answers the question with a status, or never.
private final class Engine: Sendable {
    private let listener: Int32
    private let status: String?
    private let task: Task<String, Never>

    /// What was asked.
    var request: String { get async { await task.value } }

    init(_ path: String, status: String?) throws {
        let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard bound == 0, listen(listener, 1) == 0 else { throw TestSupportError("no socket \(path): errno \(errno)") }
        (self.listener, self.status) = (listener, status)
        guard let status else {
            task = Task { "" }
            return
        }
        task = Task.detached {
            await withCheckedContinuation { continuation in
                DispatchQueue(label: "engine").async {
                    let connection = accept(listener, nil, nil)
                    var bytes = [UInt8](repeating: 0, count: 4096)
                    let count = read(connection, &bytes, bytes.count)
                    let answer = Array("HTTP/1.0 \(status)\r\n\r\n".utf8)
                    _ = write(connection, answer, answer.count)
                    close(connection)
                    continuation.resume(returning: String(decoding: bytes[..<max(count, 0)], as: UTF8.self))
                }
            }
        }
    }

    deinit { close(listener) }
}
