import OCI
import Testing

@testable import Publisher

@Suite("What a member may use the daemon's login for")
struct DestinationPatternTests {
    @Test(
        "is a pattern for repositories, a registry of which is compared in its normal form",
        arguments: [
            ("r.example/ci/**", "r.example/ci/app:1", true), ("r.example/ci/**", "r.example/ci/a/b", true),
            ("r.example/ci/**", "r.example/ci:1", false), ("r.example/ci/**", "r.example/cia/app", false),
            ("r.example/ci/*", "r.example/ci/a/b", false), ("r.example/ci/app", "r.example/ci/app:2", true),
            ("docker.io/team/*", "team/app", true),
            ("docker.io/library/*", "app:1", true), ("*.example/ci/**", "r.example/ci/app", true),
            ("r.example/**", "r.example.evil.example/ci/app", false), ("**", "r.example/x", true),
            ("localhost:5000/**", "localhost:5001/x", false),
        ])
    func matches(pattern: String, destination: String, isMatch: Bool) throws {
        let reference = try ImageReference(parsing: destination)
        #expect(try DestinationPattern(pattern).matches(reference) == isMatch)
    }

    @Test(
        "names a registry in whatever spelling",
        arguments: [
            ("R.example:0443/ci/**", "r.example/ci/app"), ("r.example/ci/**", "r.example:443/ci/app"),
            ("registry-1.docker.io/team/*", "docker.io/team/app"), ("LOCALHOST:5000/**", "localhost:5000/x"),
        ])
    func spellings(pattern: String, destination: String) throws {
        let names = RegistryNames()
        let reference = try ImageReference(parsing: destination).normalised(names)
        #expect(try DestinationPattern(pattern, names: names).matches(reference))
    }

    @Test(
        "covers a registry only where every repository fits",
        arguments: [
            ("r.example/**", true), ("**", true), ("*.example/**", true), ("r.example/ci/**", false),
            ("r.example/*", false), ("other.example/**", false), ("**/ci/**", false),
        ])
    func covers(pattern: String, isWhole: Bool) throws {
        #expect(try DestinationPattern(pattern).covers(registry: "r.example") == isWhole)
    }

    @Test(
        "is refused where it names no repository, or more than one",
        arguments: ["", "r.example", "/x", "r.example/", "r.example/x:1", "r.example/x@sha256:a", "team/x", "a b/x"])
    func faults(pattern: String) {
        #expect(throws: DestinationPattern.Fault.self) { try DestinationPattern(pattern) }
    }
}
