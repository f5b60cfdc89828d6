import OCI
import TestSupport
import Testing

@Suite("A test registry, strict")
struct TestRegistryStrictnessTests {
    private let blob = PseudoRandomBytes.make(size: 100, seed: 3)

    /// Runs `body` and expects the client's mistakes that it made to be the violations `kinds`.
    private func expect(
        _ kinds: [Violation.Kind], profile: RegistryProfile = .distribution3,
        _ body: (RawClient, TestRegistry) throws -> Void
    ) async throws {
        try await TestRegistry.with(profile: profile) { registry in
            let client = try RawClient(port: registry.port)
            try body(client, registry)
            #expect(registry.violations.map(\.kind) == kinds, "\(registry.violations)")
        }
    }

    @Test(
        "a chunk without its type, or with another",
        arguments: [nil, "application/json", "application/octet-stream;x=y"])
    func chunkType(type: String?) async throws {
        try await expect([.contentType]) { client, _ throws in
            let location = try client.open("app").location
            let reply = try client.ask(
                "PATCH", location, headers: type.map { [("Content-Type", $0)] } ?? [], body: blob)
            #expect(reply.status == 400)
        }
    }

    @Test(
        "a range that is malformed or not the body's",
        arguments: ["bytes 0-99/100", "0-99/100", "0-98", "0-", "-99", "a-b"])
    func range(text: String) async throws {
        try await expect([.contentRange]) { client, _ throws in
            let reply = try client.patch(try client.open("app").location, blob, range: text)
            #expect([400, 416].contains(reply.status))
        }
    }

    @Test("a chunk over bytes that were acknowledged, but not one after a broken body")
    func overlap() async throws {
        try await expect([.overlap]) { client, _ throws in
            let first = try client.patch(try client.open("app").location, blob, range: "0-99")
            #expect(try client.patch(first.location, blob, range: "50-149").status == 416)
            #expect(try client.patch(first.location, blob, range: "150-249").status == 416)
            #expect(try client.patch(first.location, blob, range: "100-199").status == 202)
        }
    }

    @Test("a close without a digest, or with one that the bytes do not have")
    func digest() async throws {
        try await expect([.missingDigest, .wrongDigest]) { client, registry throws in
            let opened = try client.open("app")
            #expect(try client.ask("PUT", opened.location, headers: [octets], body: blob).code == "DIGEST_INVALID")
            let again = try client.open("app")
            #expect(try client.close(again.location, Digest(of: [1]), blob).code == "DIGEST_INVALID")
            #expect(try client.close(again.location, Digest(of: blob), blob).code == "BLOB_UPLOAD_UNKNOWN")
            #expect(!registry.hasBlob(Digest(of: [1]), in: "app"))
        }
    }

    @Test("a manifest before its blobs")
    func missingBlob() async throws {
        try await expect([.missingReference]) { client, registry throws in
            try client.push(blob, to: "app")
            let document = manifest(of: [blob, [1]])
            let reply = try client.putManifest(document, "app", "v1")
            #expect(reply.status == 400)
            #expect(reply.code == "MANIFEST_BLOB_UNKNOWN")
            #expect(reply.text.contains("\(Digest(of: [1]))"))
            #expect(registry.tags("app").isEmpty)
        }
    }

    @Test("a manifest whose blobs are in another repository only")
    func otherRepository() async throws {
        try await expect([.missingReference]) { client, _ throws in
            try client.push(blob, to: "other")
            #expect(try client.putManifest(manifest(of: [blob]), "app", "v1").code == "MANIFEST_BLOB_UNKNOWN")
        }
    }

    @Test("a blob that the registry lost itself is no fault of the client's")
    func lost() async throws {
        try await expect([]) { client, registry throws in
            try client.push(blob, to: "app")
            registry.removeBlob(Digest(of: blob), from: "app")
            #expect(try client.putManifest(manifest(of: [blob]), "app", "v1").code == "MANIFEST_BLOB_UNKNOWN")
        }
    }

    @Test("a manifest under a type that is not its own")
    func manifestType() async throws {
        try await expect([.contentType, .contentType]) { client, _ throws in
            try client.push(blob, to: "app")
            let document = manifest(of: [blob])
            for type in [MediaType.ociIndex.rawValue, MediaType.ociManifest.rawValue + "; charset=utf-8"] {
                #expect(try client.putManifest(document, "app", "v1", type: type).code == "MANIFEST_INVALID")
            }
        }
    }

    @Test("a manifest that is none, and one under another digest")
    func malformedManifest() async throws {
        try await expect([.invalidManifest, .wrongDigest]) { client, _ throws in
            #expect(try client.putManifest("{}", "app", "v1").code == "MANIFEST_INVALID")
            #expect(try client.putManifest("{}", "app", "\(Digest(of: blob))").code == "DIGEST_INVALID")
        }
    }

    @Test("a manifest asked for without saying which kinds")
    func accept() async throws {
        try await expect([.accept]) { client, registry throws in
            registry.addManifest(Array("{}".utf8), mediaType: .ociIndex, to: "app", tag: "v1")
            #expect(try client.ask("GET", "/v2/app/manifests/v1").status == 404)
            let other = ("Accept", MediaType.ociManifest.rawValue)
            #expect(try client.ask("GET", "/v2/app/manifests/v1", headers: [other]).status == 404)
            #expect(try client.ask("GET", "/v2/app/manifests/v1", headers: [acceptAll]).status == 200)
        }
    }

    @Test("a location whose query was touched")
    func location() async throws {
        try await expect([.alteredLocation, .alteredLocation, .alteredLocation]) { client, _ throws in
            let location = try client.open("app").location
            let (path, query) = (location.prefix { $0 != "?" }, location.drop { $0 != "?" }.dropFirst())
            let sorted = query.split(separator: "&").reversed().joined(separator: "&")
            for changed in ["\(path)", "\(path)?\(sorted)", location.replacing("~", with: "%7E")] {
                #expect(try client.patch(changed, blob).code == "BLOB_UPLOAD_INVALID")
            }
            #expect(try client.patch(location, blob).status == 202)
        }
    }

    @Test(
        "credentials that nobody asked for, a body of a GET, an unknown path",
        arguments: [
            ("GET", "/v2/", [("Authorization", "Basic eDp5")], nil, Violation.Kind.authorization),
            ("GET", "/v2/", [], [1], .framing), ("GET", "/v1/", [], nil, .unknownPath),
            ("GET", "/v2/App/tags/list", [], nil, .unknownPath), ("GET", "/v2/a/manifests/..", [], nil, .unknownPath),
            ("DELETE", "/v2/app/tags/list", [], nil, .unknownPath),
            ("POST", "/v2/app/blobs/uploads/", [], nil, .framing),
            ("POST", "/v2/app/blobs/uploads/", [], [1], .framing), ("GET", "/token", [], nil, .unknownPath),
            ("GET", "/v2/a//b/tags/list", [], nil, .unknownPath),
            ("GET", "/v2/a/blobs/sha256:12", [], nil, .unknownPath),
        ] as [(String, String, [(String, String)], [UInt8]?, Violation.Kind)])
    func misplaced(
        method: String, target: String, headers: [(String, String)], body: [UInt8]?, kind: Violation.Kind
    ) async throws {
        try await expect([kind]) { client, _ throws in
            #expect(try client.ask(method, target, headers: headers, body: body).status >= 400)
        }
    }

    @Test("what is not HTTP is a violation too")
    func malformed() async throws {
        try await expect([.framing]) { client, _ throws in
            try client.send("nonsense\r\n\r\n")
            #expect(try client.readReply().status == 400)
        }
    }
}
