import Control
import Testing

@testable import pushctl

@Suite("The command line")
struct InvocationTests {
    private let around = Surroundings(environment: ["HOME": "/home/ann"], directory: "/work", userID: 1000)

    private func parse(_ line: String) throws(UsageError) -> Invocation {
        try Invocation(line.split(separator: " ").map(String.init), in: around)
    }

    private func error(_ arguments: [String]) -> UsageError? {
        do {
            _ = try Invocation(arguments, in: around)
            return nil
        } catch { return error }
    }

    @Test("options may stand before and after the command, and as --name=value")
    func options() throws {
        var wanted = try parse("status")
        wanted.json = true
        wanted.socket = "/s"
        #expect(try parse("--json --socket /s status") == wanted)
        #expect(try parse("--socket=/s status --json") == wanted)
        #expect(try parse("status --json --socket /s") == wanted)
        #expect(try parse("status --socket /x --socket /s --json") == wanted)
    }

    @Test("every option of push is understood")
    func push() throws {
        let invocation = try parse(
            "push -nf app:1 r.example/a r.example/b:2 --platform linux/amd64 --platform=linux/arm64/v8 --priority -5 "
                + "--verify deep --timeout 1h30m --all-tags --progress plain --format docker")
        #expect(
            invocation.command
                == .push(
                    Command.Push(
                        image: "app:1", destinations: ["r.example/a", "r.example/b:2"], allTags: true,
                        platforms: ["linux/amd64", "linux/arm64/v8"], priority: -5, verify: "deep", force: true,
                        dryRun: true, timeout: .seconds(5400), format: "docker", progress: .plain)))
        #expect(try parse("push -d app:1").command == .push(Command.Push(image: "app:1", detach: true)))
        #expect(try parse("push --progress auto app:1").command == .push(Command.Push(image: "app:1")))
        #expect(
            try parse("push -q --digest-file d app:1").command
                == .push(Command.Push(image: "app:1", quiet: true, digestFile: "d")))
        #expect(
            try parse("push --file -").command
                == .push(Command.Push(image: "", list: .init(file: "-", directory: "/work", home: "/home/ann"))))
    }

    @Test("two dashes end the options")
    func endOfOptions() throws {
        #expect(try parse("pause -- --help").command == .pause(registry: "--help"))
        #expect(try parse("-- status").command == .status(Command.Status()))
    }

    @Test(
        "each command has its type",
        arguments: [
            (
                "status --state failed --state blocked 3 4 3",
                .status(Command.Status(jobs: [3, 4], states: ["failed", "blocked"]))
            ),
            ("status -w --limit 5", .status(Command.Status(limit: 5, watch: true))),
            ("show 7 8", .show([7, 8])), ("wait 7 8 --timeout 90", .wait([7, 8], timeout: .seconds(90))),
            ("cancel 7", .cancel(.ids([7]))), ("retry 7", .retry(.ids([7]))),
            ("retry --failed", .retry(.inStates(["failed", "blocked"], registry: nil))),
            ("cancel --all", .cancel(.inStates(JobStates.open, registry: nil))),
            ("cancel --registry r.example", .cancel(.inStates(JobStates.open, registry: "r.example"))),
            (
                "cancel --state waiting --state blocked --registry r.example",
                .cancel(.inStates(["waiting", "blocked"], registry: "r.example"))
            ),
            ("retry --all", .retry(.inStates(["waiting", "blocked", "failed"], registry: nil))),
            ("pause", .pause(registry: nil)), ("resume r.example:5000", .resume(registry: "r.example:5000")),
            (
                "verify r.example/a --deep --against oci:x",
                .verify(reference: "r.example/a", against: "oci:/work/x", deep: true)
            ),
            ("inspect r.example/a --raw", .inspect(reference: "r.example/a", raw: true)), ("images", .images),
            ("tags r.example/a --limit 5", .tags(repository: "r.example/a", limit: 5)),
            (
                "login r.example -u me --password-stdin",
                .login(registry: "r.example", user: "me", passwordFromInput: true)
            ),
            ("login", .login(registry: nil, user: nil, passwordFromInput: false)),
            ("logout r.example", .logout(registry: "r.example")),
            ("repos r.example", .repos(registry: "r.example", limit: nil)),
            ("events -f --since 10m", .events(follow: true, since: .ago(.seconds(600)))),
            ("events --since 4711", .events(follow: false, since: .after(4711))),
            ("events --since 1970-01-01T00:00:02Z", .events(follow: false, since: .time(2000))),
            ("completion fish", .completion(.fish)), ("version", .version), ("--version", .version),
            ("help", .help(nil)), ("help push", .help("push")), ("--help", .help(nil)), ("push --help", .help("push")),
            ("push --nonsense -h", .help("push")), ("-h show", .help("show")), ("push -dh x", .help("push")),
        ] as [(String, Command)])
    func commands(line: String, command: Command) throws { #expect(try parse(line).command == command) }

    @Test(
        "a mistake is named, with what to write instead",
        arguments: [
            (["--json"], "a command is missing", "see what there is: pushctl --help"),
            (["psuh", "x"], "unknown command \"psuh\"", "did you mean: pushctl push"),
            (["frobnicate"], "unknown command \"frobnicate\"", "see what there is: pushctl --help"),
            (["ps"], "unknown command \"ps\"", "to see the jobs: pushctl status"),
            (["help", "psuh"], "unknown command \"psuh\"", "did you mean: pushctl push"),
            (["push", "a", "--detatch"], "push has no option --detatch", "did you mean --detach?"),
            (["push", "a", "--plat=x"], "push has no option --plat", "did you mean --platform?"),
            (["push", "a", "-dz"], "push has no option -z (in -dz)", "see what there is: pushctl push --help"),
            (["push", "a", "-force"], "push has no option -o (in -force)", "did you mean --force?"),
            (["--detach", "push", "a"], "--detach belongs to a command", "write it after the command: pushctl push …"),
            (["--sokcet", "x", "status"], "unknown option --sokcet", "did you mean --socket?"),
            (["status", "--socket"], "--socket needs a value", "write: --socket PATH"),
            (
                ["push", "a", "--verify", "--force"], "--verify needs a value",
                "write: --verify none|manifest|blobs|deep"
            ),
            (["push", "a", "--timeout="], "the value of --timeout is empty", nil),
            (["push", "a", "--detach=yes"], "--detach takes no value", nil),
            (
                ["push", "a", "--verify", "blob"], "--verify can't be \"blob\"",
                "did you mean blobs? It is one of: none, manifest, blobs, deep"
            ),
            (
                ["push", "a", "--priority", "high"], "--priority can't be \"high\"",
                "it is a whole number from -100 to 100"
            ),
            (
                ["push", "a", "--timeout", "5 m"], "--timeout can't be \"5 m\"",
                "write 30s, 5m, 2h, 1h30m or plain seconds, up to 366 days"
            ),
            (
                ["push", "a", "--platform", "arm64"], "\"arm64\" is not a platform",
                "write OS/ARCH[/VARIANT], such as linux/arm64"
            ),
            (["push"], "push: IMAGE is missing", "write: pushctl push IMAGE [DEST…]"),
            (["push", ""], "the image's name is empty", nil),
            (
                ["push", "./app"], "\"./app\" is a path, not the name of an image",
                "for an OCI image layout write: oci:./app"
            ),
            (
                ["push", "a", "https://r.example/a"], "\"https://r.example/a\" is an address, not a name",
                "leave out https://: r.example/a"
            ),
            (["push", "-d", "a", "--dry-run"], "--detach and --dry-run exclude each other", "leave one of them out"),
            (
                ["push", "a", "--json", "--progress", "live"], "--json and --progress live exclude each other",
                "leave one of them out"
            ),
            (["push", "-q", "a", "--json"], "--quiet and --json exclude each other", "leave one of them out"),
            (
                ["push", "-d", "a", "--digest-file", "x"], "--digest-file and --detach exclude each other",
                "leave one of them out"
            ),
            (
                ["push", "a", "--digest-file", "-"], "--digest-file can't be \"-\"",
                "to have them on standard output, write: pushctl push --quiet …"
            ),
            (["push", "a", "--file", "x"], "push takes either IMAGE or --file, not both", nil),
            (
                ["push", "--file", "-", "-u", "me", "--password-stdin"],
                "--file - and --password-stdin exclude each other", "leave one of them out"
            ),
            (
                ["login", "http://u:secret@r.example/v2/"], "the address of the registry has a user in it, or a digest",
                "write: pushctl login -u USER HOST[:PORT]"
            ),
            (["show"], "show: JOB is missing", "write: pushctl show JOB…"),
            (["ping", "2"], "ping: unexpected argument \"2\"", "write: pushctl ping"),
            (["show", "0"], "\"0\" is not a job's id", "ids are the numbers that pushctl status shows"),
            (["wait", "12x"], "\"12x\" is not a job's id", "ids are the numbers that pushctl status shows"),
            (["retry"], "retry: JOB is missing", "write: pushctl retry JOB…, or: pushctl retry --failed"),
            (["cancel"], "cancel: JOB is missing", "write: pushctl cancel JOB…, or: pushctl cancel --all"),
            (
                ["cancel", "1", "--all"], "cancel takes either jobs, or --all, --state or --registry",
                "leave one of them out"
            ),
            (
                ["retry", "1", "--failed"], "retry takes either jobs, or --all, --state or --registry or --failed",
                "leave one of them out"
            ),
            (["completion", "tcsh"], "no completions for \"tcsh\"", "there are some for bash, zsh and fish"),
            (["images", "x"], "images: unexpected argument \"x\"", "write: pushctl images"),
        ] as [([String], String, String?)])
    func mistakes(arguments: [String], message: String, advice: String?) {
        #expect(error(arguments) == UsageError(message, advice: advice))
    }

    @Test(
        "durations",
        arguments: [
            ("30s", 30), ("5m", 300), ("2h", 7200), ("1d", 86_400), ("1h30m", 5400), ("90", 90), ("1.5", 1.5),
            ("500ms", 0.5), ("1m30s", 90), ("366d", 31_622_400),
        ] as [(String, Double)])
    func durations(text: String, seconds: Double) { #expect(parseDuration(text) == .seconds(seconds)) }

    @Test(
        "what is no duration",
        arguments: [
            "", "0", "0s", "-5", "5 m", "m", "5x", "30m1h", "1h1h", "367d", "1e3", "inf", "nan", "1..5", ".5", "5.",
            "٣s",
            "99999999999999999999",
        ])
    func noDurations(text: String) { #expect(parseDuration(text) == nil) }

    @Test(
        "paths of stores are made absolute, names are left alone",
        arguments: [
            ("oci:build", "oci:/work/build"), ("oci:./build:1", "oci:/work/build:1"), ("oci:../b", "oci:/work/../b"),
            ("oci:.", "oci:/work"), ("oci:./", "oci:/work"), ("oci:.:1", "oci:/work:1"), ("oci:/a/b:1", "oci:/a/b:1"),
            ("oci:~/b:1", "oci:/home/ann/b:1"), ("oci-archive:x.tar", "oci-archive:/work/x.tar"),
            ("docker-archive:.//x.tar", "docker-archive:/work/x.tar"), ("docker:app:1", "docker:app:1"),
            ("dir:x", "dir:/work/x"), ("oci:13:06:1", "oci:/work/13:06:1"),
            ("app:1", "app:1"), ("oci:.hidden", "oci:/work/.hidden"),
        ])
    func images(image: String, sent: String) throws {
        #expect(try absoluteImage(image, directory: "/work", home: "/home/ann") == sent)
    }

    @Test("an image in the root directory keeps one slash")
    func imageInRoot() throws {
        #expect(try absoluteImage("oci:a", directory: "/", home: nil) == "oci:/a")
        #expect(try absoluteImage("oci:.:1", directory: "/", home: nil) == "oci:/:1")
        #expect(throws: UsageError.self) { try absoluteImage("oci::1", directory: "/", home: nil) }
    }

    @Test("the socket is the named one, PUSHD_SOCKET's, or where the rule of both programs says")
    func socket() {
        func candidates(_ named: String? = nil, _ environment: [String: String]) -> [String] {
            socketCandidates(
                named: named, Surroundings(environment: environment, directory: "/work", userID: 1000),
                SocketPlaces(user: 1000, environment: environment) { $0 == "/r" ? .own : .absent })
        }
        let both = ["PUSHD_SOCKET": "/p", "XDG_RUNTIME_DIR": "/r"]
        #expect(candidates("/n", both) == ["/n"])
        #expect(candidates("n", both) == ["/work/n"])
        #expect(candidates(nil, both) == ["/p"])
        #expect(
            candidates(nil, ["XDG_RUNTIME_DIR": "/r", "PUSHD_SOCKET": ""])
                == ["/r/pushd/pushd.sock", "/run/pushd/pushd.sock"])
    }
}
