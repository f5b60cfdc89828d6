import OCI
import TestSupport
import Testing

@Suite("A test registry after the manner of")
struct RegistryProfileTests {
    private let blob = PseudoRandomBytes.make(size: 100_000, seed: 4)
    private var digest: Digest { Digest(of: blob) }

    /// A PATCH of the whole blob that breaks off after 40,000 bytes, and the location that it went to.
    private func breakOff(_ registry: TestRegistry) throws -> String {
        let client = try RawClient(port: registry.port)
        let location = try client.open("app").location
        registry.faults.add(Fault(.uploadBody, .cut(afterBodyBytes: 40_000)))
        #expect(throws: (any Error).self) { try client.patch(location, blob) }
        #expect(registry.faults.fired == 1)
        return location
    }

    @Test("distribution 3 goes on at the byte where a body broke, and refuses the stale location")
    func distribution3() async throws {
        try await TestRegistry.with { registry in
            let stale = try breakOff(registry)
            let client = try RawClient(port: registry.port)
            #expect(try client.patch(stale, blob, range: "0-99999").status == 416)
            let status = try client.ask("GET", stale)
            #expect(status.status == 204)
            #expect(status.header("Range") == "0-39999")
            let rest = try client.patch(status.location, Array(blob[40_000...]), range: "40000-99999")
            #expect(rest.status == 202)
            #expect(try client.close(rest.location, digest).status == 201)
            #expect(registry.content(of: digest) == blob)
            #expect(registry.bodyBytes(for: digest) == 100_000)
            #expect(registry.violations.isEmpty)
        }
    }

    @Test("distribution 2 refuses any request with the stale location", arguments: ["GET", "PATCH", "PUT"])
    func distribution2(method: String) async throws {
        try await TestRegistry.with(profile: .distribution2) { registry in
            let stale = try breakOff(registry)
            let client = try RawClient(port: registry.port)
            let target = method == "PUT" ? "\(stale)&digest=\(digest)" : stale
            let body = method == "GET" ? nil : blob
            let reply = try client.ask(method, target, headers: [octets], body: body)
            #expect(reply.status == 404)
            #expect(reply.code == "BLOB_UPLOAD_INVALID")
            #expect(try client.ask("GET", stale).code == "BLOB_UPLOAD_INVALID")
        }
    }

    @Test("distribution 2 goes on after a finished PATCH")
    func distribution2Finished() async throws {
        try await TestRegistry.with(profile: .distribution2) { registry in
            let client = try RawClient(port: registry.port)
            let first = try client.patch(try client.open("app").location, Array(blob[..<500]), range: "0-499")
            let status = try client.ask("GET", first.location)
            #expect(status.header("Range") == "0-499")
            let rest = try client.patch(status.location, Array(blob[500...]))
            #expect(try client.close(rest.location, digest).status == 201)
            #expect(registry.violations.isEmpty)
        }
    }

    @Test("ECR says 201 to chunks, repeats the first one's range, and names the byte that it wants")
    func ecr() async throws {
        try await TestRegistry.with(profile: .ecr.with { $0.minimumChunk = 1000 }) { registry in
            let client = try RawClient(port: registry.port)
            let opened = try client.open("app")
            #expect(opened.header("OCI-Chunk-Min-Length") == "1000")
            let location = opened.location
            for start in stride(from: 0, to: 3000, by: 1000) {
                let reply = try client.patch(
                    location, Array(blob[start..<start + 1000]), range: "\(start)-\(start + 999)")
                #expect(reply.status == 201)
                #expect(reply.header("Range") == "0-999")
            }
            let wrong = try client.patch(location, Array(blob[..<1000]), range: "0-999")
            #expect(wrong.status == 416)
            #expect(wrong.text.contains("the requested first byte is 0 instead of 3000"))
            #expect(try client.patch(location, [1], range: "3000-3000").status == 201)
            #expect(try client.patch(location, [1], range: "3001-3001").status == 416)  // a short one was not the last
        }
    }

    @Test("ECR and Gitea keep nothing of a broken body", arguments: [RegistryProfile.ecr, .gitea])
    func dropped(profile: RegistryProfile) async throws {
        try await TestRegistry.with(profile: profile) { registry in
            let location = try breakOff(registry)
            let client = try RawClient(port: registry.port)
            #expect(try client.ask("GET", location).header("Range") == "0-0")
            #expect(try client.patch(location, blob).status == profile.patchStatus)
            #expect(try client.close(location, digest).status == 201)
        }
    }

    @Test("GitHub takes chunks of 4 MiB, whole bodies of more, and names relative locations")
    func ghcr() async throws {
        try await TestRegistry.with(profile: .ghcr) { registry in
            let client = try RawClient(port: registry.port)
            let opened = try client.open("app")
            #expect(opened.header("Location")?.hasPrefix("/v2/app/") == true)
            let large = [UInt8](repeating: 1, count: (4 << 20) + 1)
            #expect(try client.patch(opened.location, large).status == 413)
            let other = try RawClient(port: registry.port)
            #expect(try other.patch(opened.location, Array(large.dropLast())).status == 202)
            try other.push(large, to: "app")
        }
    }

    @Test("Google takes one PATCH and no second, and a broken one ends the upload")
    func google() async throws {
        try await TestRegistry.with(profile: .google) { registry in
            let client = try RawClient(port: registry.port)
            let location = try client.open("app").location
            #expect(try client.patch(location, Array(blob[..<9])).status == 202)
            #expect(try client.patch(location, Array(blob[9...]), range: "9-99999").status == 400)
            let broken = try breakOff(registry)
            #expect(try client.ask("GET", broken).status == 404)
            #expect(try client.patch(broken, blob).code == "BLOB_UPLOAD_UNKNOWN")
        }
    }

    @Test("Gitea wants ranges from the second PATCH on, and stores a blob that comes with the POST")
    func gitea() async throws {
        try await TestRegistry.with(profile: .gitea) { registry in
            let client = try RawClient(port: registry.port)
            let location = try client.open("app").location
            #expect(try client.patch(location, Array(blob[..<9])).status == 202)
            #expect(try client.patch(location, Array(blob[9...])).status == 400)
            #expect(try client.patch(location, Array(blob[9...]), range: "9-99999").status == 202)
            #expect(try client.close(location, digest).status == 201)
            let single = try client.ask(
                "POST", "/v2/other/blobs/uploads/?digest=\(digest)", headers: [octets], body: blob)
            #expect(single.status == 201)
            #expect(registry.hasBlob(digest, in: "other"))
        }
    }

    @Test("most others answer 202 to a POST with a body, and forget the body")
    func singlePost() async throws {
        try await TestRegistry.with { registry in
            let client = try RawClient(port: registry.port)
            let opened = try client.ask(
                "POST", "/v2/app/blobs/uploads/?digest=\(digest)", headers: [octets], body: blob)
            #expect(opened.status == 202)
            #expect(!registry.hasBlob(digest, in: "app"))
            #expect(try client.close(opened.location, digest, blob).status == 201)
        }
    }

    @Test("old zot tells the range of the last chunk only")
    func zot() async throws {
        try await TestRegistry.with(profile: .zotOld) { registry in
            let client = try RawClient(port: registry.port)
            let location = try client.open("app").location
            #expect(try client.patch(location, Array(blob[..<10]), range: "0-9").header("Range") == "0-9")
            #expect(try client.patch(location, Array(blob[10..<30]), range: "10-29").header("Range") == "10-29")
        }
    }

    @Test("a proxy shows a page to bodies above its limit")
    func capped() async throws {
        try await TestRegistry.with(profile: .proxyCapped(1000)) { registry in
            let client = try RawClient(port: registry.port)
            let location = try client.open("app").location
            let reply = try client.patch(location, Array(blob[..<1001]))
            #expect(reply.status == 413)
            #expect(reply.header("Content-Type") == "text/html")
            #expect(try client.patch(location, Array(blob[..<1000])).status == 202)
        }
    }

    @Test("registries that do not mount open an upload or refuse")
    func mounts() async throws {
        for (mount, status) in [(RegistryProfile.Mount.ignored, 202), (.answers(405), 405)] {
            try await TestRegistry.with(profile: .distribution3.with { $0.mount = mount }) { registry in
                let digest = try registry.addBlob([1], to: "base")
                let client = try RawClient(port: registry.port)
                #expect(try client.open("app", query: "?mount=\(digest)&from=base").status == status)
                #expect(!registry.hasBlob(digest, in: "app"))
            }
        }
    }

    @Test("locations may have another scheme or host, and there no credentials belong")
    func locations() async throws {
        try await TestRegistry.with(profile: .distribution3.with { $0.location = .otherScheme }) { registry in
            let reply = try RawClient(port: registry.port).open("app")
            #expect(reply.header("Location")?.hasPrefix("https://") == true)
        }
        let login = TestAuthentication.basic(user: "u", password: "p")
        let profile = RegistryProfile.distribution3.with { $0.location = .otherHost("localhost") }
        try await TestRegistry.with(profile: profile, authentication: login) { registry in
            let credentials = ("Authorization", "Basic dTpw")
            let client = try RawClient(port: registry.port, host: "127.0.0.1:\(registry.port)")
            let opened = try client.ask("POST", "/v2/app/blobs/uploads/", headers: [credentials], body: [])
            #expect(opened.header("Location")?.hasPrefix("http://localhost:\(registry.port)/v2/app/") == true)
            let upload = try RawClient(port: registry.port, host: "localhost:\(registry.port)")
            #expect(try upload.ask("GET", opened.location).status == 204)
            #expect(registry.violations.isEmpty)
            #expect(try upload.ask("GET", opened.location, headers: [credentials]).status == 400)
            #expect(registry.violations.map(\.kind) == [.authorization])
        }
    }

    @Test("tags that can't be moved are refused with any answer, also for the same digest")
    func immutable() async throws {
        let answer = Answer.refusal(409, "TAG_ALREADY_EXISTS", "the tag exists")
        try await TestRegistry.with(profile: .distribution3.with { $0.immutableTags = answer }) { registry in
            let client = try RawClient(port: registry.port)
            try client.push(blob, to: "app")
            let document = manifest(of: [blob])
            #expect(try client.putManifest(document, "app", "v1").status == 201)
            #expect(try client.putManifest(document, "app", "v1").code == "TAG_ALREADY_EXISTS")
            #expect(try client.putManifest(document, "app", "v2").status == 201)
            #expect(try client.putManifest(document, "app", "\(Digest(of: Array(document.utf8)))").status == 201)
        }
    }

    @Test("repositories may have to be made first")
    func repositoryFirst() async throws {
        try await TestRegistry.with(profile: .distribution3.with { $0.wantsRepositoryFirst = true }) { registry in
            let client = try RawClient(port: registry.port)
            #expect(try client.open("app").code == "NAME_UNKNOWN")
            registry.createRepository("app")
            try client.push(blob, to: "app")
        }
    }

    @Test("HEAD, the status, DELETE and digests may be missing")
    func missing() async throws {
        let profile = RegistryProfile.distribution3.with {
            $0.answersHead = false
            $0.cancelsUploads = false
            $0.sendsDigestHeader = false
            $0.takesWholePut = false
        }
        try await TestRegistry.with(profile: profile) { registry in
            let client = try RawClient(port: registry.port)
            let digest = try registry.addBlob([1], to: "app")
            #expect(try client.ask("HEAD", "/v2/app/blobs/\(digest)").status == 405)
            #expect(try client.ask("GET", "/v2/app/blobs/\(digest)").header("Docker-Content-Digest") == nil)
            let location = try client.open("app").location
            #expect(try client.ask("DELETE", location, body: []).status == 405)
            #expect(try client.close(location, digest, [1]).status == 400)
        }
    }
}
