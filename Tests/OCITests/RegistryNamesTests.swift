import OCI
import Testing

@Suite("A registry's one name")
struct RegistryNamesTests {
    @Test(
        "is the same for all its spellings, and stays it",
        arguments: [
            ("registry.example", "registry.example"), ("Registry.EXAMPLE", "registry.example"),
            ("registry.example.", "registry.example"), ("registry.example:443", "registry.example"),
            ("registry.example:0443", "registry.example"), ("registry.example.:00443", "registry.example"),
            ("registry.example:5000", "registry.example:5000"), ("registry.example:05000", "registry.example:5000"),
            ("registry.example:80", "registry.example:80"), ("registry.example:0", "registry.example:0"),
            ("registry.example:000", "registry.example:0"), ("registry.example:99999", "registry.example:99999"),
            ("localhost", "localhost"), ("LOCALHOST:5000", "localhost:5000"), ("localhost:443", "localhost:443"),
            ("localhost:80", "localhost:80"), ("api.localhost:443", "api.localhost:443"),
            ("127.0.0.1:443", "127.0.0.1:443"),
            ("127.1:5000", "127.0.0.1:5000"), ("0x7f.1", "127.0.0.1"), ("10.1", "10.0.0.1"),
            ("10.0.0.1:443", "10.0.0.1"),
            ("[::1]:5000", "[::1]:5000"), ("[0:0:0:0:0:0:0:1]:5000", "[::1]:5000"), ("[::1]:443", "[::1]:443"),
            ("[2001:DB8:0:0:1:0:0:1]:443", "[2001:db8::1:0:0:1]"), ("[2001:db8::1]", "[2001:db8::1]"),
            ("[::]", "[::]"), ("[1:0:2::]", "[1:0:2::]"), ("[::ffff:7f00:1]", "[::ffff:7f00:1]"),
            ("docker.io", "docker.io"), ("DOCKER.IO", "docker.io"), ("docker.io:443", "docker.io"),
            ("index.docker.io", "docker.io"), ("registry-1.docker.io", "docker.io"),
            ("Registry-1.docker.io:443", "docker.io"), ("registry-1.docker.io:5000", "registry-1.docker.io:5000"),
            ("index.docker.io.example", "index.docker.io.example"), ("MyHost", "myhost:443"),
            ("myhost:443", "myhost:443"), ("myhost:5000", "myhost:5000"), ("", ""),
        ])
    func name(spelled: String, expected: String) throws {
        let names = RegistryNames()
        #expect(names.name(of: spelled) == expected)
        #expect(names.name(of: expected) == expected)
        guard let reference = try? ImageReference(parsing: spelled + "/team/app:1") else { return }
        let normal = reference.normalised(names)
        #expect(normal.description == expected + "/team/app:1" || !reference.isQualified)
        // What is kept of it means the same again.
        guard reference.isQualified else { return }
        #expect(try ImageReference(parsing: normal.description) == normal)
    }

    @Test("leaves a port out only where it would be used anyway")
    func ports() {
        let names = RegistryNames(plainHTTP: [
            "plain.example": true, "odd.example:443": true, "secure.localhost": false, "LOCALHOST": true,
        ])
        for (spelled, expected) in [
            ("plain.example:80", "plain.example"), ("plain.example:443", "plain.example:443"),
            ("odd.example:443", "odd.example:443"), ("odd.example", "odd.example"),
            ("odd.example:80", "odd.example:80"),
            ("secure.localhost:443", "secure.localhost"), ("secure.localhost:80", "secure.localhost:80"),
            ("localhost:080", "localhost"), ("localhost:443", "localhost:443"), ("other.example:443", "other.example"),
        ] {
            #expect(names.name(of: spelled) == expected, "\(spelled)")
        }
        #expect(RegistryNames(usual: true).name(of: "MyHost") == "myhost:80")
        #expect(RegistryNames(usual: true).name(of: "registry.example:80") == "registry.example")
        #expect(RegistryNames(usual: true).name(of: "registry.example:443") == "registry.example:443")
    }

    @Test("of Docker Hub has Docker's own images below library")
    func hub() throws {
        let reference = try ImageReference(parsing: "registry-1.docker.io/app:1").normalised(RegistryNames())
        #expect(reference.description == "docker.io/library/app:1")
        #expect(reference == (try ImageReference(parsing: "docker.io/app:1")))
    }
}
