import FoundationEssentials
import OCI
import Testing

@Suite("A platform")
struct PlatformTests {
    @Test(
        "has one spelling for each machine",
        arguments: [
            ("linux/amd64", "linux/amd64"), ("linux/x86_64", "linux/amd64"), ("linux/x86-64", "linux/amd64"),
            ("linux/amd64/v1", "linux/amd64"), ("linux/amd64/v2", "linux/amd64/v2"), ("linux/i386", "linux/386"),
            ("linux/aarch64", "linux/arm64"), ("linux/arm64/v8", "linux/arm64"), ("linux/arm64/8", "linux/arm64"),
            ("linux/arm64/v8.0", "linux/arm64"), ("linux/arm64/9", "linux/arm64/v9"),
            ("linux/arm64/v9.0", "linux/arm64/v9"), ("linux/arm64/v8.1", "linux/arm64/v8.1"),
            ("linux/arm", "linux/arm/v7"), ("linux/arm/7", "linux/arm/v7"), ("linux/arm/6", "linux/arm/v6"),
            ("linux/armhf", "linux/arm/v7"), ("linux/armel", "linux/arm/v6"), ("macos/arm64", "darwin/arm64"),
            ("Linux/AMD64", "linux/amd64"), ("linux/riscv64", "linux/riscv64"),
        ])
    func normalises(text: String, expected: String) throws {
        let platform = try #require(Platform(parsing: text))
        #expect(platform.normalised.description == expected)
        #expect(platform.normalised.normalised == platform.normalised)
    }

    @Test(
        "that a user types has two or three parts",
        arguments: [
            "", "linux", "linux/", "/amd64", "linux//v8", "linux/arm/v7/x",
            "linux/\(String(repeating: "a", count: 65))",
        ])
    func strict(text: String) {
        #expect(Platform(parsing: text) == nil)
    }

    @Test(
        "matches what is meant, and not what merely could run",
        arguments: [
            ("linux/arm64/v8", "linux/arm64", true), ("linux/arm/v7", "linux/arm", true),
            ("linux/arm/v6", "linux/arm", false), ("linux/386", "linux/amd64", false),
            ("linux/amd64/v3", "linux/amd64", false), ("windows/amd64", "linux/amd64", false),
        ])
    func matches(image: String, wanted: String, expected: Bool) throws {
        #expect(try #require(Platform(parsing: image)).matches(try #require(Platform(parsing: wanted))) == expected)
    }

    @Test("of Windows counts its version only where one is asked for")
    func versions() {
        let image = Platform(os: "windows", architecture: "amd64", osVersion: "10.0.20348.1")
        #expect(image.matches(Platform(os: "windows", architecture: "amd64")))
        #expect(!image.matches(Platform(os: "windows", architecture: "amd64", osVersion: "10.0.17763.1")))
    }

    @Test("of an attestation is no machine")
    func unknown() {
        #expect(Platform(os: "unknown", architecture: "unknown").isUnknown)
        #expect(!Platform(os: "linux", architecture: "unknown").isUnknown)
    }

    @Test("is read from JSON with whatever is there")
    func json() throws {
        let text = #"{"os":"windows","architecture":"amd64","os.version":"10.0","os.features":["win32k"]}"#
        let platform = try JSONDecoder().decode(Platform.self, from: Data(text.utf8))
        #expect(platform == Platform(os: "windows", architecture: "amd64", osVersion: "10.0"))
        #expect(try JSONDecoder().decode(Platform.self, from: Data("{}".utf8)).os == "")
        let written = String(decoding: try JSONEncoder().encode(platform), as: UTF8.self)
        #expect(written.contains(#""os.version":"10.0""#))
    }
}
