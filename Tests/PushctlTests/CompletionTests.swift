import Control
import FoundationEssentials
import TestSupport
import Testing

@testable import pushctl

@Suite("Completions")
struct CompletionTests {
    /// - Parameter line: what has been typed; a blank at its end begins a new word.
    private func plan(_ line: String) -> CompletionPlan {
        var words = line.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        let current = words.popLast() ?? ""
        return CompletionPlan(words.filter { !$0.isEmpty }, current: current, commands: CommandSpec.all)
    }

    private func fixed(_ plan: CompletionPlan) -> [String] {
        plan.sources.flatMap { source in
            if case .fixed(let candidates) = source { candidates.map(\.value) } else { [] as [String] }
        }
    }

    @Test("offer every command, and every option of each, but none twice")
    func commandsAndOptions() {
        #expect(fixed(plan("")) == CommandSpec.all.map(\.name))
        #expect(fixed(plan("--json ")) == CommandSpec.all.map(\.name))
        #expect(fixed(plan("help ")) == CommandSpec.all.map(\.name))
        for spec in CommandSpec.all {
            let offered = fixed(plan(spec.name + " -"))
            #expect(offered == (CommandSpec.globalOptions + spec.options).map { "--" + $0.name })
        }
        #expect(!fixed(plan("push --json -d app --")).contains("--detach"))
        #expect(fixed(plan("push --platform linux/amd64 --")).contains("--platform"))
        #expect(!fixed(plan("push -- --")).contains("--json"))
    }

    @Test(
        "offer the values of an option, behind a blank or =, and after options of one letter",
        arguments: [
            ("push --verify ", "", ["none", "manifest", "blobs", "deep"]),
            ("push --verify=", "--verify=", ["none", "manifest", "blobs", "deep"]),
            ("push app --format=d", "--format=", ["docker", "oci"]),
            ("push -fd --format ", "", ["docker", "oci"]),
            ("completion ", "", ["bash", "zsh", "fish"]), ("push --priority ", "", []), ("push -u ", "", []),
        ])
    func values(line: String, prefix: String, values: [String]) {
        let plan = plan(line)
        #expect(plan.prefix == prefix)
        #expect(fixed(plan) == values)
    }

    @Test("look where the word at the cursor comes from")
    func sources() {
        let open: Set = ["queued", "running", "waiting", "blocked"]
        #expect(plan("cancel ").sources == [.jobs(open)])
        #expect(plan("wait 12 --timeout 5m ").sources == [.jobs(open)])
        #expect(plan("wait 12 ").taken == ["12"])
        #expect(plan("retry ").sources == [.jobs(["waiting", "blocked", "failed", "canceled"])])
        #expect(plan("show ").sources == [.jobs(nil)])
        #expect(plan("show 12 ").taken == ["12"])
        #expect(plan("push ").sources.first == .images)
        #expect(plan("push app ").sources == [.references, .registries(ending: "/")])
        #expect(plan("push -d app r.example/a ").sources == [.references, .registries(ending: "/")])
        #expect(plan("verify r.example/a --against ").sources.first == .images)
        #expect(plan("tags ").sources == [.repositories, .registries(ending: "/")])
        for command in ["pause", "resume", "login", "logout", "registries", "repos"] {
            #expect(plan(command + " ").sources == [.registries(ending: "")])
        }
        #expect(plan("retry --registry ").sources == [.registries(ending: "")])
        #expect(plan("cancel --registry=").sources == [.registries(ending: "")])
        #expect(plan("push --digest-file x").sources == [.files(onlyDirectories: false)])
        #expect(plan("push --file=x").sources == [.files(onlyDirectories: false)])
        #expect(plan("--socket /s status ").socket == "/s")
        #expect(plan("--socket=/s status ").socket == "/s")
        let layout = plan("push oci:bu")
        #expect(layout.sources == [.files(onlyDirectories: true)])
        #expect(layout.prefix == "oci:" && layout.begun == "bu")
        let against = plan("verify r.example/a --against=oci:x/")
        #expect(against.prefix == "--against=oci:" && against.begun == "x/")
    }

    // MARK: What is printed

    private func daemon() -> FakeDaemon {
        var daemon = FakeDaemon()
        daemon.onList = { input in
            let jobs = [
                testJob(13, "running", to: "r.example/team/app:2"), testJob(12, "failed", to: "r.example/team/app:1"),
                testJob(11, "succeeded", to: "localhost:5000/x@sha256:dd"),
                testJob(10, "succeeded", to: "bad.example/\u{1B}[2Jx"),
            ]
            return List.Output(jobs: jobs.filter { input.states?.contains($0.state) ?? true }, counts: [:])
        }
        daemon.onRegistries = { input in
            #expect(input.brief == true, "no program is run for a completion")
            return Registries.Output(registries: [RegistryInfo(name: "quiet.example", running: 0)])
        }
        daemon.onImages = { _ in
            Images.Output(images: [
                LocalImageInfo(
                    name: "team/app:1", names: [], store: "oci:/x", digest: "sha256:aa", mediaType: "m",
                    size: 2_000_000,
                    pushed: [])
            ])
        }
        return daemon
    }

    private func answer(_ words: String, _ daemon: FakeDaemon?) async throws -> [String] {
        let outcome = try await pushctl("__complete -- " + words, daemon)
        #expect(outcome.status == 0 && outcome.errors.isEmpty)
        return outcome.lines.map(String.init)
    }

    @Test("are jobs by their states, registries, images, and destinations that were pushed to")
    func answers() async throws {
        #expect(try await answer("cancel 1", daemon()) == ["13\trunning, r.example/team/app:2"])
        #expect(try await answer("retry 1", daemon()) == ["12\tfailed, r.example/team/app:1"])
        #expect(try await answer("push t", daemon()) == ["team/app:1\t2.00 MB"])
        #expect(
            try await answer("push app r", daemon()) == ["r.example/team/app:2", "r.example/team/app:1", "r.example/"])
        #expect(try await answer("tags r", daemon()) == ["r.example/team/app", "r.example/"])
        #expect(try await answer("tags l", daemon()) == ["localhost:5000/x", "localhost:5000/"])
        #expect(try await answer("pause q", daemon()) == ["quiet.example"])
        #expect(try await answer("push app bad", daemon()) == ["bad.example/"])  // the other could steer a terminal
        #expect(try await answer("status --state=f", daemon()) == ["--state=failed"])
    }

    @Test("are offered, as far as they can be known, without a daemon, or with one that hangs")
    func withoutAnswers() async throws {
        #expect(try await answer("cancel 1", nil) == [])
        #expect(try await answer("push --ver", nil) == ["--verify\twhat to check in the registry afterwards"])
        var hanging = daemon()
        hanging.onList = { _ in
            try await Task.sleep(for: .seconds(3600))
            throw CancellationError()
        }
        #expect(try await answer("cancel 1", hanging) == [])
    }

    @Test("wait no longer for a connection than for answers")
    func busyDaemon() async throws {
        try await TemporaryDirectory.with { directory in
            let busy = try BusyListener(path: directory.file("s"))
            defer { busy.close() }
            let start = ContinuousClock.now
            _ = await Pushctl.run(
                ["__complete", "--", "cancel", "1"],
                in: Surroundings(environment: ["PUSHD_SOCKET": directory.file("s")], directory: "/", userID: 1),
                console: .silent)
            #expect(ContinuousClock.now - start < .seconds(4), "five seconds are for commands")
        }
    }

    @Test("are files and directories; an image layout is whole, other directories go on")
    func files() async throws {
        try await TemporaryDirectory.with { directory in
            try directory.write([], to: "build/app/oci-layout")
            try directory.write([], to: "build/apple")
            try directory.makeDirectory("build/apps")
            try directory.makeDirectory("build/.hidden")
            let root = directory.path
            #expect(
                try await answer("push oci:\(root)/build/a", nil) == [
                    "oci:\(root)/build/app\tan image layout", "oci:\(root)/build/apps/",
                ])
            #expect(
                try await answer("push --file \(root)/build/a", nil) == [
                    "\(root)/build/app/", "\(root)/build/apple", "\(root)/build/apps/",
                ])
            #expect(try await answer("push oci:\(root)/build/.", nil) == ["oci:\(root)/build/.hidden/"])
            #expect(try await answer("push oci:\(root)/none/", nil) == [])
        }
    }

    // MARK: The shells themselves

    /// A `pushctl` that answers as a layout in a directory and an option's values would have it.
    private func program(in directory: TemporaryDirectory) async throws {
        let script = #"""
            #!/bin/sh
            printf '%s\n' "$@" >"$LOG"
            case $* in
            *--state=*) printf -- '--state=queued\n--state=failed\n' ;;
            *odd*) printf 'odd[1]{2}!#\n' ;;
            *oci:*) printf 'oci:/srv/a b\tnote\noci:/srv/c/\n' ;;
            *r.example*) printf 'r.example/app:1\nr.example/app:2\n' ;;
            *) printf 'status\tshow the queue\n' ;;
            esac
            """#
        try await directory.makeProgram(script, as: "pushctl")
    }

    @Test(
        "in bash replace only what bash takes for the word, and quote",
        arguments: [
            ("pushctl st", "status", ["st"]), ("pushctl status --state=", "queued failed", ["status", "--state="]),
            ("pushctl push oci:/srv/", "/srv/a\\ b /srv/c/", ["push", "oci:/srv/"]),
            ("pushctl push a r.example/app:", "1 2", ["push", "a", "r.example/app:"]), ("pushctl ", "status", [""]),
            ("pushctl push odd", #"odd\[1\]\{2\}\!#"#, ["push", "odd"]),
        ])
    func bash(line: String, replies: String, words: [String]) async throws {
        try await TemporaryDirectory.with { directory in
            try await program(in: directory)
            try directory.write(Array(Shell.bash.completions.utf8), to: "script")
            let test = #"""
                . "$DIR/script"
                IFS=$'\n'  # a user's own
                COMP_WORDBREAKS=$' \t\n"\'@><=;|&(:'
                COMP_LINE=$LINE COMP_POINT=${#LINE}
                _pushctl 2>/dev/null
                IFS=' '
                echo "${COMPREPLY[*]}"
                """#
            let result = try await ProcessRunner.run(
                "bash", ["-c", test],
                environment: [
                    "PATH": directory.path + ":/usr/bin:/bin", "LINE": line, "DIR": directory.path,
                    "LOG": directory.file("log"),
                ])
            #expect(result.output == replies + "\n", "\(result.errors)")
            let log = try String(contentsOf: URL(filePath: directory.file("log")), encoding: .utf8)
            #expect(log == (["__complete", "--"] + words).map { $0 + "\n" }.joined())
        }
    }

    @Test(
        "in fish come with their notes", .enabled(if: installedProgram("fish") != nil),
        arguments: [
            ("pushctl st", "status\tshow the queue\n"),
            ("pushctl status --state=", "--state=queued\n--state=failed\n"),
            ("pushctl push oci:/srv/", "oci:/srv/a b\tnote\noci:/srv/c/\n"),
        ])
    func fish(line: String, output: String) async throws {
        try await TemporaryDirectory.with { directory in
            try await program(in: directory)
            try directory.write(Array(Shell.fish.completions.utf8), to: "script")
            let result = try await ProcessRunner.run(
                "fish", ["-c", "source \(directory.file("script")); complete -C '\(line)'"],
                environment: [
                    "PATH": directory.path + ":/usr/bin:/bin", "HOME": directory.path, "LOG": directory.file("log"),
                ])
            #expect(
                result.output.split(separator: "\n").sorted() == output.split(separator: "\n").sorted(),
                "\(result.errors)")
        }
    }

    @Test(
        "in zsh are inserted at the cursor, with and without a blank behind",
        .enabled(if: installedProgram("zsh") != nil),
        arguments: [
            ("pushctl st", "pushctl status "), ("pushctl push oci:/srv/c", "pushctl push oci:/srv/c/"),
            ("pushctl push a r.example/ap", "pushctl push a r.example/app:"),
        ])
    func zsh(line: String, typed: String) async throws {
        try await TemporaryDirectory.with { directory in
            try await program(in: directory)
            try directory.write(Array(Shell.zsh.completions.utf8), to: "functions/_pushctl")
            // A zsh in a terminal of its own; Tab, and then a key that prints the line.
            let test = #"""
                zmodload zsh/zpty
                zpty inner "HOME=$DIR PATH=$PATH LOG=$LOG zsh -f -i"
                zpty -w inner "fpath=($DIR/functions \$fpath); autoload -Uz compinit; compinit -u -D; PS1=; unsetopt beep"
                zpty -w inner 'tell() { print -r -- "<<<$BUFFER>>>" >"$HOME/line"; exit }; zle -N tell; bindkey "^T" tell'
                zpty -n -w inner "$LINE"$'\t\x14'
                while zpty -r inner text; do :; done
                """#
            let result = try await ProcessRunner.run(
                "zsh", ["-f", "-c", test],
                environment: [
                    "PATH": directory.path + ":/usr/bin:/bin", "LINE": line, "DIR": directory.path, "TERM": "xterm",
                    "LOG": directory.file("log"),
                ])
            let found = try? String(contentsOf: URL(filePath: directory.file("line")), encoding: .utf8)
            #expect(found == "<<<\(typed)>>>\n", "\(result.output)\(result.errors)")
        }
    }
}
