/// Command words that people know from docker, podman, skopeo and crane, and what does the same here.
///
/// pushctl does not take them, so that it never does something else than what the word does there; it leads on, with the
/// user's own arguments in the command to type.
struct ForeignWord: Sendable {
    let names: [String]
    /// As the end of "to …".
    let purpose: String
    /// The command to type, from the arguments that are no options; nil where there is none.
    let command: @Sendable (_ arguments: [String]) -> String

    /// - Parameter arguments: the words after the command word.
    /// - Returns: nil where the word is none of these.
    static func advice(for name: String, _ arguments: [String]) -> String? {
        var name = name
        var arguments = arguments.filter { !$0.hasPrefix("-") || $0 == "-" }
        // `docker image ls`, `podman manifest inspect`: the second word says what is wanted.
        if groups.contains(name) {
            guard let second = arguments.first else { return groupAdvice(name) }
            // `ls` alone would lead to the images.
            let isList = ["ls", "list", "ps"].contains(second)
            if isList, ["container", "job", "queue"].contains(name) { return groupAdvice(name) }
            name = name == "manifest" && second == "inspect" ? "manifest inspect" : second
            arguments.removeFirst()
            if let own = CommandSpec.all.first(where: { $0.name == name }) {
                return "write: " + ([("pushctl " + own.name)] + arguments.map(shellQuoted)).joined(separator: " ")
            }
        }
        guard let word = all.first(where: { $0.names.contains(name) }) else { return nil }
        return "to \(word.purpose): \(word.command(arguments))"
    }

    private static let groups: Set = ["image", "container", "manifest", "system", "job", "queue", "registry", "index"]

    private static func groupAdvice(_ name: String) -> String {
        switch name {
        case "container", "job", "queue": "to see the jobs: pushctl status"
        case "manifest", "index": "to see a manifest: pushctl inspect REF"
        case "registry": "to see what is known of registries: pushctl registries"
        case "system": "to see how the daemon is: pushctl version"
        default: "to list the local images: pushctl images"
        }
    }

    private static let all: [ForeignWord] = [
        .init(names: ["ps", "jobs", "list-jobs", "top", "stats"], purpose: "see the jobs") { _ in "pushctl status" },
        .init(names: ["ls", "list"], purpose: "list the local images") { arguments in
            arguments.isEmpty
                ? "pushctl images" : "pushctl images, or the tags of a repository: " + line("tags", arguments)
        },
        .init(names: ["rm", "stop", "kill", "abort", "delete", "remove"], purpose: "give jobs up") {
            line("cancel", $0, or: ["JOB"])
        },
        .init(names: ["rmi", "prune", "untag"], purpose: "remove a local image, use the tool that made it") {
            (["podman rmi"] + $0.map(shellQuoted)).joined(separator: " ")
        },
        .init(names: ["start", "restart"], purpose: "try a job again") { line("retry", $0, or: ["JOB"]) },
        .init(names: ["logs", "log"], purpose: "see what has happened") { arguments in
            arguments.isEmpty ? "pushctl events" : line("show", Array(arguments.prefix(1)))
        },
        .init(names: ["attach", "follow", "watch"], purpose: "watch jobs") { line("status --watch", $0) },
        .init(names: ["manifest inspect", "digest", "history"], purpose: "see a manifest and its digest") {
            line("inspect", $0, or: ["REF"])
        },
        .init(names: ["search", "catalog", "find"], purpose: "list the repositories of a registry") {
            line("repos", $0.filter { $0.contains(".") || $0.contains(":") }, or: ["REGISTRY"])
        },
        .init(names: ["pull", "fetch"], purpose: "get an image, which pushd does not do") {
            (["podman pull"] + $0.map(shellQuoted)).joined(separator: " ")
        },
        .init(names: ["copy", "cp", "sync"], purpose: "push an image") { copy($0) },
        .init(names: ["tag"], purpose: "push an image under another name") { line("push", $0, or: ["IMAGE", "NEW"]) },
        .init(names: ["save", "load", "import", "export"], purpose: "push what is in a file") { _ in
            "pushctl push oci-archive:FILE DEST"
        },
        .init(
            names: ["build", "bake", "buildx", "run", "create", "commit"],
            purpose: "make an image, use your builder, then"
        ) {
            _ in "pushctl push IMAGE DEST"
        },
        .init(names: ["info", "whoami"], purpose: "see the daemon, and the registries with their logins") { _ in
            "pushctl version; pushctl registries"
        },
        .init(names: ["diff", "compare", "validate"], purpose: "compare what a registry has with a local image") {
            line("verify", Array($0.prefix(1)), or: ["REF"]) + " --against "
                + ($0.dropFirst().first.map(shellQuoted) ?? "IMAGE")
        },
        .init(names: ["auth"], purpose: "log in") { line("login", $0.filter { $0.contains(".") }) },
        .init(names: ["daemon", "serve", "pushd"], purpose: "start the daemon") { _ in "env pushd" },
        .init(names: ["metrics"], purpose: "have figures for a script") { _ in "pushctl status --json" },
        .init(names: ["rules"], purpose: "see what rules have published, which stand in pushd's configuration") { _ in
            "pushctl events"
        },
        .init(names: ["config", "configure"], purpose: "check pushd's configuration, which is a file") { _ in
            "env pushd --check-config"
        },
    ]

    private static func line(_ command: String, _ arguments: [String], or placeholders: [String] = []) -> String {
        let words = arguments.isEmpty ? placeholders : arguments.map(shellQuoted)
        return (["pushctl " + command] + words).joined(separator: " ")
    }

    /// `skopeo copy SOURCE docker://DEST`.
    private static func copy(_ arguments: [String]) -> String {
        guard arguments.count == 2 else { return "pushctl push IMAGE DEST" }
        let remote = "docker://"
        if arguments[0].hasPrefix(remote) {
            return "pushctl push IMAGE DEST; between registries: skopeo copy "
                + arguments.map(shellQuoted).joined(separator: " ")
        }
        let target = arguments[1].hasPrefix(remote) ? String(arguments[1].dropFirst(remote.count)) : arguments[1]
        return line("push", [arguments[0], target])
    }
}

/// `text` as one word of a shell's command line.
func shellQuoted(_ text: String) -> String {
    let plain = text.utf8.allSatisfy { byte in
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
            || "_@%+=:,./-".utf8.contains(byte)
    }
    return plain && !text.isEmpty ? text : "'" + text.replacing("'", with: "'\\''") + "'"
}
