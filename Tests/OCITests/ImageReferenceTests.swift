import OCI
import Testing

private let hex = String(repeating: "0123456789abcdef", count: 4)

@Suite("The name of an image in a registry")
struct ImageReferenceTests {
    struct Reading: Sendable, CustomTestStringConvertible {
        let text: String
        let domain: String
        let path: String
        var tag: String?
        var digest: String?
        var testDescription: String { text }

        init(_ text: String, _ domain: String, _ path: String, tag: String? = nil, digest: String? = nil) {
            self.text = text
            self.domain = domain
            self.path = path
            self.tag = tag
            self.digest = digest
        }
    }

    @Test(
        "is read as Docker reads it",
        arguments: [
            Reading("ubuntu", "docker.io", "library/ubuntu"),
            Reading("ubuntu:22.04", "docker.io", "library/ubuntu", tag: "22.04"),
            Reading("library/ubuntu", "docker.io", "library/ubuntu"),
            Reading("user/app:1", "docker.io", "user/app", tag: "1"),
            Reading("a/b/c", "docker.io", "a/b/c"),
            Reading("docker.io/ubuntu", "docker.io", "library/ubuntu"),
            Reading("docker.io/library/foo/bar", "docker.io", "library/foo/bar"),
            Reading("index.docker.io/user/app", "docker.io", "user/app"),
            Reading("index.docker.io/app", "docker.io", "library/app"),
            Reading("registry-1.docker.io/user/app", "registry-1.docker.io", "user/app"),
            Reading("registry-1.docker.io/app", "registry-1.docker.io", "app"),
            Reading("localhost", "docker.io", "library/localhost"),
            Reading("localhost:5000", "docker.io", "library/localhost", tag: "5000"),
            Reading("localhost/app", "localhost", "app"),
            Reading("localhost:5000/app:dev", "localhost:5000", "app", tag: "dev"),
            Reading("myhost/app", "docker.io", "myhost/app"),
            Reading("myhost:5000/app", "myhost:5000", "app"),
            Reading("MyHost/app", "MyHost", "app"),
            Reading("registry.example.com", "docker.io", "library/registry.example.com"),
            Reading("registry.example.com:5000", "docker.io", "library/registry.example.com", tag: "5000"),
            Reading("registry.example.com/app", "registry.example.com", "app"),
            Reading(
                "registry.example.com:5000/team/app:v1.2_rc.1", "registry.example.com:5000", "team/app",
                tag: "v1.2_rc.1"),
            Reading("192.168.1.1:5000/app:5050", "192.168.1.1:5000", "app", tag: "5050"),
            Reading("[::1]:5000/app:tag", "[::1]:5000", "app", tag: "tag"),
            Reading("[2001:db8::1]/app", "[2001:db8::1]", "app"),
            Reading("test_com/foo", "docker.io", "test_com/foo"),
            Reading("foo_bar.com:8080", "docker.io", "library/foo_bar.com", tag: "8080"),
            Reading("xn--n3h.com/myimage:xn--n3h.com", "xn--n3h.com", "myimage", tag: "xn--n3h.com"),
            Reading("app@sha256:\(hex)", "docker.io", "library/app", digest: "sha256:\(hex)"),
            Reading("ghcr.io/o/app:1.0@sha256:\(hex)", "ghcr.io", "o/app", tag: "1.0", digest: "sha256:\(hex)"),
            Reading("app@sha512:\(hex)\(hex)", "docker.io", "library/app", digest: "sha512:\(hex)\(hex)"),
            Reading("example.com/\(hex)", "example.com", hex),
            Reading("\(hex.dropLast())", "docker.io", "library/\(hex.dropLast())"),
            Reading("\(hex)0", "docker.io", "library/\(hex)0"),
            Reading("a/b__c/d---e.f", "docker.io", "a/b__c/d---e.f"),
        ] as [Reading])
    func reads(_ expected: Reading) throws {
        let reference = try ImageReference(parsing: expected.text)
        #expect(reference.domain == expected.domain)
        #expect(reference.path == expected.path)
        #expect(reference.tag == expected.tag)
        #expect(reference.digest?.description == expected.digest)
        // What is printed means the same again.
        let again = try ImageReference(parsing: reference.description)
        #expect(again.description == reference.description)
    }

    @Test(
        "is refused where Docker refuses it",
        arguments: [
            ("", .empty),
            ("MyHost/App", .upperCase),
            ("example.com/Team/app", .upperCase),
            ("App", .upperCase),
            ("[2001:db8::1]:5000", .malformed),
            ("::1:5000/app", .malformed),
            ("fc00::1:5000/app", .malformed),
            ("[fe80::1%eth0]:5000/app", .malformed),
            ("[::ffff:192.0.2.33]:5000/app", .malformed),
            ("foo_bar.com/app", .malformed),
            (hex, .identifier),
            ("example.com:/app", .malformed),
            ("example.com:50x/app", .malformed),
            ("example.com//app", .malformed),
            ("example.com/app/", .malformed),
            ("/app", .malformed),
            ("example.com/-app", .malformed),
            ("example.com/app-", .malformed),
            ("example.com/a..b", .malformed),
            ("example.com/a___b", .malformed),
            ("example.com/a._b", .malformed),
            ("-host.com/app", .malformed),
            ("host..com/app", .malformed),
            ("app:", .malformed),
            ("app:-x", .malformed),
            ("app:.x", .malformed),
            ("app:a/b", .malformed),
            ("app:\(String(repeating: "t", count: 129))", .malformed),
            ("app name", .malformed),
            ("app\n", .malformed),
            ("äpp", .malformed),
            ("app\u{301}", .malformed),
            ("[]/app", .malformed),
            ("[::1/app", .malformed),
        ] as [(String, ImageReferenceError.Reason)])
    func refuses(text: String, reason: ImageReferenceError.Reason) {
        #expect(throws: ImageReferenceError.self) { try ImageReference(parsing: text) }
        do { _ = try ImageReference(parsing: text) } catch { #expect(error.reason == reason) }
    }

    @Test(
        "has a digest that is one, or none",
        arguments: [
            "app@sha256:\(hex.prefix(32))", "app@sha256:\(hex.uppercased())", "app@", "app@sha256:",
            "app@sha384:\(hex)\(hex.prefix(32))", "app@sha256:\(hex)@sha256:\(hex)", "app@sha512:\(hex)",
            "@sha256:\(hex)",
        ] as [String])
    func digests(text: String) {
        #expect(throws: ImageReferenceError.self) { try ImageReference(parsing: text) }
    }

    @Test("has at most 255 characters of repository, whatever its host, and 128 of tag")
    func lengths() throws {
        let path = String(repeating: "a", count: 255)
        let longest = try ImageReference(parsing: "example.com/" + path + ":" + String(repeating: "t", count: 128))
        #expect(longest.path == path && longest.tag?.count == 128)
        do {
            _ = try ImageReference(parsing: "example.com/a" + path)
            Issue.record("was taken")
        } catch { #expect(error.reason == .tooLong) }
    }

    @Test("gets the default tag only where it has neither tag nor digest")
    func defaultTag() throws {
        let digest = "@sha256:\(hex)"
        #expect(try ImageReference(parsing: "a.io/x").withDefaultTag("latest").description == "a.io/x:latest")
        #expect(try ImageReference(parsing: "a.io/x:1").withDefaultTag("latest").description == "a.io/x:1")
        #expect(
            try ImageReference(parsing: "a.io/x\(digest)").withDefaultTag("latest").description == "a.io/x\(digest)")
        #expect(try ImageReference(parsing: "a.io/x\(digest)").withTag("2").description == "a.io/x:2")
    }

    @Test("knows whether the registry was written out")
    func qualified() throws {
        #expect(try ImageReference(parsing: "docker.io/ubuntu").isQualified)
        #expect(try ImageReference(parsing: "localhost/app").isQualified)
        #expect(try !ImageReference(parsing: "ubuntu").isQualified)
        #expect(try !ImageReference(parsing: "team/app").isQualified)
    }

    @Test("keeps being unqualified when a tag is added")
    func staysUnqualified() throws {
        #expect(try !ImageReference(parsing: "team/app").withDefaultTag("latest").isQualified)
        #expect(try !ImageReference(parsing: "team/app").withTag("1").isQualified)
        #expect(try ImageReference(parsing: "a.io/app").withDefaultTag("latest").isQualified)
    }

    @Test("says of a wrong text which it is, shortened")
    func errorText() {
        do {
            _ = try ImageReference(parsing: "a.io/" + String(repeating: "X", count: 100_000))
            Issue.record("was taken")
        } catch {
            #expect(error.description.utf8.count < 400)
            #expect(error.description.contains("a.io/XXX"))
        }
    }
}
