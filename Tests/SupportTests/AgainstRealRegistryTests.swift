import OCI
import TestSupport
import Testing

/// Holds the imitation to its model: the same requests to both, and the same answers in what matters.
@Suite("The test registry beside Debian's docker-registry", .enabled(if: DebianRegistry.isInstalled))
struct AgainstRealRegistryTests {
    private let blob = PseudoRandomBytes.make(size: 5_000_000, seed: 6)
    private var digest: Digest { Digest(of: blob) }

    @Test("answers an orderly client and a confused one in the same way")
    func sameAnswers() async throws {
        let real = try await DebianRegistry.with { try conversation(port: port(of: $0)) }
        let imitated = try await TestRegistry.with(profile: .distribution2) { try conversation(port: $0.port) }
        for (real, imitated) in zip(real, imitated) { #expect(imitated == real) }
        #expect(imitated.count == real.count)
    }

    @Test("loses an upload whose body the client broke off")
    func sameLoss() async throws {
        let real = try await DebianRegistry.with { try await afterBrokenBody(port: port(of: $0)) }
        let imitated = try await TestRegistry.with(profile: .distribution2) { registry in
            try await afterBrokenBody(port: registry.port)
        }
        #expect(imitated == real)
        #expect(imitated == "404 BLOB_UPLOAD_INVALID")
    }

    private func port(of registry: DebianRegistry) throws -> Int {
        try #require(Int(registry.address.split(separator: ":")[1]))
    }

    private func afterBrokenBody(port: Int) async throws -> String {
        let location = try RawClient(port: port).open("app").location
        do {
            let client = try RawClient(port: port)
            try client.send(
                "PATCH \(location) HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\n"
                    + "Content-Length: \(blob.count)\r\n\r\n")
            try client.send(Array(blob[..<3_000_000]))
        }
        // Either server needs a moment to see that the client has gone.
        var reply = try RawClient(port: port).ask("GET", location)
        for _ in 0..<500 where reply.status == 204 {
            try await Task.sleep(for: .milliseconds(10))
            reply = try RawClient(port: port).ask("GET", location)
        }
        return "\(reply.status) \(reply.code)"
    }

    /// What was done, and status, error code and telling headers of the answer.
    private func conversation(port: Int) throws -> [String] {
        let client = try RawClient(port: port)
        var log: [String] = []
        @discardableResult
        func note(_ what: String, _ reply: RawClient.Reply, _ headers: String...) -> RawClient.Reply {
            let shown = headers.map { "\($0): \(reply.header($0) ?? "none")" }
            log.append("\(what): \(reply.status) \(reply.code) \(shown.joined(separator: ", "))")
            return reply
        }
        note("ping", try client.ask("GET", "/v2/"), "Docker-Distribution-API-Version")
        note("absent blob", try client.ask("GET", "/v2/app/blobs/\(digest)"))
        note("absent manifest", try client.ask("GET", "/v2/app/manifests/v1", headers: [acceptAll]))
        note("absent repository", try client.ask("GET", "/v2/app/tags/list"))
        note(
            "absent upload",
            try client.ask("GET", "/v2/app/blobs/uploads/5e551011-0000-4000-8000-100000000000?_state=x"))

        let opened = note("open", try client.open("app"), "Range")
        note("status of nothing", try client.ask("GET", opened.location), "Range")
        let first = note("chunk", try client.patch(opened.location, Array(blob[..<10])), "Range")
        let rest = note(
            "last chunk", try client.patch(first.location, Array(blob[10...]), range: "10-4999999"), "Range")
        note("status", try client.ask("GET", rest.location), "Range")
        note("close", try client.close(rest.location, digest), "Docker-Content-Digest")
        note("closed", try client.ask("GET", rest.location))
        note("blob", try client.ask("HEAD", "/v2/app/blobs/\(digest)"), "Content-Length", "Docker-Content-Digest")
        note(
            "part", try client.ask("GET", "/v2/app/blobs/\(digest)", headers: [("Range", "bytes=5-9")]), "Content-Range"
        )

        let stale = try client.open("app")
        let fresh = note("chunk", try client.patch(stale.location, [1, 2, 3]), "Range")
        note("stale chunk", try client.patch(stale.location, [4]))
        note("after a stale chunk", try client.ask("GET", stale.location))
        note("with the right offset", try client.ask("GET", fresh.location), "Range")

        let wrong = try client.open("app")
        note("wrong digest", try client.close(wrong.location, digest, [1]))
        note("after a wrong digest", try client.ask("GET", wrong.location))
        note("without the secret", try client.ask("GET", String(wrong.location.prefix { $0 != "?" })))
        let given = try client.open("app")
        note("give up", try client.ask("DELETE", given.location, body: []))
        note("after giving up", try client.ask("GET", given.location))

        note("mount", try client.open("copy", query: "?mount=\(digest)&from=app"), "Docker-Content-Digest")
        note("mount of nothing", try client.open("copy", query: "?mount=\(Digest(of: [9]))&from=app"), "Range")
        note("mount from nowhere", try client.open("copy", query: "?mount=\(digest)"), "Range")
        note(
            "single POST",
            try client.ask("POST", "/v2/single/blobs/uploads/?digest=\(digest)", headers: [octets], body: [1]), "Range")

        let document = manifest(of: [blob])
        let name = Digest(of: Array(document.utf8))
        note("manifest", try client.putManifest(document, "app", "v1"), "Docker-Content-Digest")
        note("manifest again", try client.putManifest(document, "app", "v1"), "Docker-Content-Digest")
        note("its blob elsewhere", try client.putManifest(document, "other", "v1"))
        note("another digest", try client.putManifest(document, "app", "\(digest)"))
        note(
            "manifest", try client.ask("HEAD", "/v2/app/manifests/v1", headers: [acceptAll]), "Content-Type",
            "Content-Length", "Docker-Content-Digest")
        let onlyIndex = ("Accept", MediaType.ociIndex.rawValue)
        note("not accepted", try client.ask("GET", "/v2/app/manifests/\(name)", headers: [onlyIndex]))
        note("tags", try client.ask("GET", "/v2/app/tags/list"))
        return log
    }
}
