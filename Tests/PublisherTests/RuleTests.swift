import OCI
import TestSupport
import Testing

@testable import Publisher

@Suite("Publishing rules")
struct RuleTests {
    @Test(
        "match names as shells match paths",
        arguments: [
            ("team/*", "team/app", true), ("team/*", "team/sub/app", false), ("team/**", "team/sub/app", true),
            ("*", "app", true), ("*", "team/app", false), ("**", "team/app", true), ("a?c", "abc", true),
            ("a?c", "a/c", false), ("app", "app", true), ("app", "apps", false),
            ("*a*a*a*b", String(repeating: "a", count: 5000), false),
            ("t*m/*p", "team/app", true), ("***", "a/b/c", true), ("?", "", false), ("*", "", true),
        ])
    func globs(pattern: String, text: String, fits: Bool) throws {
        #expect(try #require(Glob(pattern)).matches(text) == fits)
    }

    @Test("look at the tag only where the pattern has a colon")
    func tags() throws {
        func matches(_ pattern: String, _ name: String, _ tag: String) throws -> Bool {
            let template = try DestinationTemplate("registry.example/{name}:{tag}")
            return PublishRule(image: try #require(Glob(pattern)), destinations: [template])
                .matches(PublishedName(name: name, tag: tag))
        }
        #expect(try matches("app", "app", "anything"))
        #expect(try matches("app:v*", "app", "v1"))
        #expect(try !matches("app:v*", "app", "nightly"))
        #expect(try !matches("app:v*", "other", "v1"))
    }

    @Test(
        "know an image by its full name, its short name, or its layout's directory and tag",
        arguments: [
            (["docker.io/library/app:1", "1"], "/x/images", "app:1"),
            (["registry.example:5000/team/app:2"], "/x", "team/app:2"),
            (["app:3"], "/x", "app:3"),
            (["4"], "/var/images/web", "web:4"),
            (["localhost/app"], "/x", "app:latest"),
        ])
    func names(names: [String], directory: String, expected: String) throws {
        let name = PublishedName(names: names, directory: directory, defaultTag: "latest")
        #expect(try #require(name).description == expected)
    }

    @Test(
        "know what an image would be called that no registry takes, and why not",
        arguments: [
            (["v1.0+build5"], "/x/app", "app:v1.0+build5", "is not a valid tag"),
            (["app:v1.0+build5"], "/x", "app:v1.0+build5", "is not a valid tag"),
            (["r.example/team/app:v1.0+build5", "v1.0+build5"], "/x", "team/app:v1.0+build5", "is not a valid tag"),
            (["Team/App:1"], "/x", "Team/App:1", "lower case"),
            (["1"], "/x/My Images", "My Images:1", "can't be that of a repository"),
        ])
    func unusable(names: [String], directory: String, called: String, why: String) throws {
        guard
            case .unusable(let name, let reason) = PublishedName.read(
                names: names, directory: directory, defaultTag: "latest")
        else { throw TestSupportError("was taken") }
        #expect(name.description == called)
        #expect(reason.contains(why), "\(reason)")
    }

    @Test("leave images without a usable name alone")
    func nameless() {
        #expect(PublishedName(names: [], directory: "/x/app", defaultTag: "latest") == nil)
        #expect(PublishedName(names: ["1"], directory: "/x/..bad..", defaultTag: "latest") == nil)
    }
}
