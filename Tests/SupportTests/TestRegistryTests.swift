import OCI
import TestSupport
import Testing

@Suite("A test registry, honest")
struct TestRegistryTests {
    @Test("takes an image, and gives it back")
    func image() async throws {
        try await TestRegistry.with { registry in
            let client = try RawClient(port: registry.port)
            let blobs = [Array("{}".utf8), PseudoRandomBytes.make(size: 300_000, seed: 1)]
            for blob in blobs { try client.push(blob, to: "team/app") }
            let document = manifest(of: blobs)
            let digest = Digest(of: Array(document.utf8))
            #expect(try client.putManifest(document, "team/app", "v1").header("Docker-Content-Digest") == "\(digest)")

            let head = try client.ask("HEAD", "/v2/team/app/manifests/v1", headers: [acceptAll])
            #expect(head.status == 200)
            #expect(head.header("Content-Type") == MediaType.ociManifest.rawValue)
            #expect(head.header("Content-Length") == String(document.utf8.count))
            #expect(head.header("Docker-Content-Digest") == "\(digest)")
            let got = try client.ask("GET", "/v2/team/app/manifests/\(digest)", headers: [acceptAll])
            #expect(got.text == document)
            let blob = "/v2/team/app/blobs/\(Digest(of: blobs[1]))"
            #expect(try client.ask("HEAD", blob).header("Content-Length") == "300000")
            #expect(try client.ask("GET", blob).body == blobs[1])
            let part = try client.ask("GET", blob, headers: [("Range", "bytes=299990-")])
            #expect(part.status == 206)
            #expect(part.body == Array(blobs[1].suffix(10)))
            #expect(try client.ask("GET", "/v2/team/app/tags/list").text == #"{"name":"team/app","tags":["v1"]}"#)
            #expect(try client.ask("GET", "/v2/team/app/referrers/\(digest)").status == 404)
            #expect(try client.ask("GET", "/v2/").status == 200)

            #expect(registry.content(of: Digest(of: blobs[1])) == blobs[1])
            #expect(registry.bodyBytes(for: Digest(of: blobs[1])) == 300_000)
            #expect(registry.manifest("team/app", "v1") == Array(document.utf8))
            #expect(registry.tags("team/app") == ["v1": digest])
            #expect(registry.methods.prefix(5) == ["POST", "PUT", "POST", "PUT", "PUT"])
            #expect(registry.count(of: .uploadStart) == 2)
            #expect(registry.openUploads(in: "team/app") == 0)
            #expect(registry.violations.isEmpty)
        }
    }

    @Test("says 404 for what it does not have, and keeps repositories apart")
    func absent() async throws {
        try await TestRegistry.with { registry in
            let client = try RawClient(port: registry.port)
            let digest = try registry.addBlob([1, 2, 3], to: "other")
            #expect(try client.ask("HEAD", "/v2/other/blobs/\(digest)").status == 200)
            #expect(try client.ask("HEAD", "/v2/app/blobs/\(digest)").status == 404)
            #expect(try client.ask("GET", "/v2/app/blobs/\(digest)").code == "BLOB_UNKNOWN")
            #expect(try client.ask("GET", "/v2/app/manifests/v1", headers: [acceptAll]).code == "MANIFEST_UNKNOWN")
            #expect(try client.ask("GET", "/v2/app/tags/list").code == "NAME_UNKNOWN")
            #expect(try client.ask("GET", "/v2/app/blobs/uploads/none").code == "BLOB_UPLOAD_UNKNOWN")
            #expect(registry.violations.isEmpty)
        }
    }

    @Test("mounts what the source has, and opens an upload otherwise")
    func mount() async throws {
        try await TestRegistry.with { registry in
            let client = try RawClient(port: registry.port)
            let digest = try registry.addBlob([1, 2, 3], to: "base")
            let mounted = try client.open("app", query: "?mount=\(digest)&from=base")
            #expect(mounted.status == 201)
            #expect(mounted.header("Docker-Content-Digest") == "\(digest)")
            #expect(registry.hasBlob(digest, in: "app"))
            let refused = try client.open("app", query: "?mount=\(digest)&from=elsewhere")
            #expect(refused.status == 202)
            #expect(try client.close(refused.location, digest, [1, 2, 3]).status == 201)
            #expect(try client.open("app", query: "?mount=\(digest)").status == 202)
            #expect(registry.count(of: .mount) == 3)
            #expect(registry.violations.isEmpty)
        }
    }

    @Test("takes chunks and tells where the next one starts")
    func chunks() async throws {
        try await TestRegistry.with { registry in
            let client = try RawClient(port: registry.port)
            let blob = PseudoRandomBytes.make(size: 100, seed: 2)
            var reply = try client.open("app")
            reply = try client.patch(reply.location, Array(blob[..<60]), range: "0-59")
            #expect(reply.status == 202)
            #expect(reply.header("Range") == "0-59")
            reply = try client.ask("GET", reply.location)
            #expect(reply.status == 204)
            #expect(reply.header("Range") == "0-59")
            reply = try client.patch(reply.location, Array(blob[60...]))  // without a range: goes on at the end
            #expect(reply.header("Range") == "0-99")
            #expect(try client.close(reply.location, Digest(of: blob)).status == 201)
            #expect(registry.content(of: Digest(of: blob)) == blob)
            #expect(registry.bodyBytes(for: Digest(of: blob)) == 100)
            #expect(registry.violations.isEmpty)
        }
    }

    @Test("keeps large zeros outside of memory, and checks their digest")
    func large() async throws {
        try await TestRegistry.with { registry in
            let client = try RawClient(port: registry.port)
            let zeros = [UInt8](repeating: 0, count: 8 << 20)
            var hasher = DigestHasher()
            let pieces = 32  // 256 MiB
            for _ in 0..<pieces { zeros.withUnsafeBytes { hasher.update($0) } }
            let digest = hasher.finish()
            let opened = try client.open("app")
            try client.send(
                "PUT \(opened.location)&digest=\(digest) HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\n"
                    + "Content-Length: \(zeros.count * pieces)\r\n\r\n")
            for _ in 0..<pieces { try client.send(zeros) }
            #expect(try client.readReply().status == 201)
            #expect(registry.size(of: digest) == Int64(zeros.count * pieces))
        }
    }

    @Test("pages through tags with links")
    func tags() async throws {
        try await TestRegistry.with { registry in
            for tag in ["a", "b", "c"] {
                registry.addManifest(Array("{}".utf8), mediaType: .ociManifest, to: "app", tag: tag)
            }
            let client = try RawClient(port: registry.port)
            let first = try client.ask("GET", "/v2/app/tags/list?n=2")
            #expect(first.text.contains(#"["a","b"]"#))
            #expect(first.header("Link") == #"</v2/app/tags/list?last=b&n=2>; rel="next""#)
            let second = try client.ask("GET", "/v2/app/tags/list?last=b&n=2")
            #expect(second.text.contains(#"["c"]"#))
            #expect(second.header("Link") == nil)
        }
    }

    @Test("takes an index after its children, and none before")
    func index() async throws {
        try await TestRegistry.with { registry in
            let client = try RawClient(port: registry.port)
            let config = Array("{}".utf8)
            try client.push(config, to: "app")
            let child = manifest(of: [config])
            let index =
                #"{"schemaVersion":2,"manifests":[{"mediaType":"\#(MediaType.ociManifest)","digest":"\#(Digest(of: Array(child.utf8)))","size":\#(child.utf8.count)}]}"#
            let type = MediaType.ociIndex.rawValue
            #expect(try client.putManifest(index, "app", "v1", type: type).code == "MANIFEST_BLOB_UNKNOWN")
            #expect(registry.violations.map(\.kind) == [.missingReference])
            #expect(try client.putManifest(child, "app", "\(Digest(of: Array(child.utf8)))").status == 201)
            #expect(try client.putManifest(index, "app", "v1", type: type).status == 201)
        }
    }
}
