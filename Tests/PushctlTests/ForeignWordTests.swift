import Testing

@testable import pushctl

@Suite("Command words of other tools")
struct ForeignWordTests {
    private func advice(_ line: String) -> String? {
        let words = line.split(separator: " ").map(String.init)
        do {
            _ = try Invocation(words, in: Surroundings(environment: [:], directory: "/", userID: 0))
            return nil
        } catch {
            #expect(error.message.hasPrefix("unknown command"))
            return error.advice
        }
    }

    @Test(
        "lead on to the command that does it here, with the user's own arguments",
        arguments: [
            ("ps -a", "to see the jobs: pushctl status"), ("top", "to see the jobs: pushctl status"),
            ("ls", "to list the local images: pushctl images"),
            (
                "ls r.example/app",
                "to list the local images: pushctl images, or the tags of a repository: pushctl tags r.example/app"
            ),
            ("rm -f 12 13", "to give jobs up: pushctl cancel 12 13"), ("kill", "to give jobs up: pushctl cancel JOB"),
            ("stop 7", "to give jobs up: pushctl cancel 7"), ("logs 12", "to see what has happened: pushctl show 12"),
            ("logs", "to see what has happened: pushctl events"),
            ("manifest inspect r.example/a:1", "to see a manifest and its digest: pushctl inspect r.example/a:1"),
            ("manifest push app r.example/a", "write: pushctl push app r.example/a"),
            ("image inspect r.example/a", "write: pushctl inspect r.example/a"),
            ("image ls", "to list the local images: pushctl images"),
            ("container ls -a", "to see the jobs: pushctl status"), ("queue list", "to see the jobs: pushctl status"),
            ("search nginx", "to list the repositories of a registry: pushctl repos REGISTRY"),
            ("search r.example", "to list the repositories of a registry: pushctl repos r.example"),
            ("pull r.example/a", "to get an image, which pushd does not do: podman pull r.example/a"),
            ("copy oci:build docker://r.example/a:1", "to push an image: pushctl push oci:build r.example/a:1"),
            ("cp app r.example/a", "to push an image: pushctl push app r.example/a"),
            (
                "copy docker://a.example/x docker://b.example/x",
                "to push an image: pushctl push IMAGE DEST; between registries: "
                    + "skopeo copy docker://a.example/x docker://b.example/x"
            ),
            ("tag app r.example/$(x)", "to push an image under another name: pushctl push app 'r.example/$(x)'"),
            ("build .", "to make an image, use your builder, then: pushctl push IMAGE DEST"),
            ("help ps", "to see the jobs: pushctl status"), ("--json ps", "to see the jobs: pushctl status"),
        ])
    func leading(line: String, expected: String) { #expect(advice(line) == expected) }

    @Test("lead on to commands that there are")
    func existing() throws {
        let commands = Set(CommandSpec.all.map(\.name))
        for word in [
            "ps", "ls", "rm", "rmi", "logs", "search", "pull", "copy", "cp", "build", "info", "stop", "kill", "tag",
            "rules", "metrics", "config", "start", "diff", "auth", "save", "image", "manifest", "system", "watch",
        ] {
            #expect(!commands.contains(word))
            let text = try #require(advice(word), "\(word)")
            for part in text.split(separator: "pushctl ").dropFirst() {
                let command = part.prefix { $0.isLetter }
                #expect(commands.contains(String(command)), "\(text)")
            }
        }
    }

    @Test("what needs it is quoted for a shell, and nothing else")
    func quoting() {
        #expect(shellQuoted("oci:/srv/a_b-c.d:1@x") == "oci:/srv/a_b-c.d:1@x")
        #expect(shellQuoted("a b") == "'a b'")
        #expect(shellQuoted("it's") == "'it'\\''s'")
        #expect(shellQuoted("") == "''")
    }
}
