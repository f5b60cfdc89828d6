internal import Control

extension CommandSpec {
    /// Every command, by what it is for, in the order of the help.
    static let groups: [(title: String, commands: [CommandSpec])] = [
        ("Publish", [push, wait, retry, cancel]),
        ("Look", [status, show, images, events, verify, inspect, tags, repos]),
        ("Registries", [login, logout, registries, pause, resume, limit]),
        ("Daemon", [doctor, ping, version, completion, help]),
    ]

    static let all: [CommandSpec] = groups.flatMap(\.commands)

    /// A login of the caller's in place of the daemon's.
    private static func ownLogin(for what: String) -> [OptionSpec] {
        [
            .flag("my-login", nil, "use your own docker or podman login, for \(what) only"),
            .value("user", "USER", "log in as USER, for \(what) only; the password is asked for", short: "u"),
            .flag("password-stdin", nil, "with --user: read the password from standard input"),
        ]
    }

    private static let push = CommandSpec(
        "push", "IMAGE [DEST…]", .atLeast(0), .image,
        summary: "push an image, and follow it",
        details: [
            "Enqueues one job for each DEST, a name such as registry.example/team/app:1 or an alias of the "
                + "configuration. With no DEST the image's own name says where it goes. The jobs belong to the daemon: they "
                + "go on through outages and restarts, and Ctrl-C only ends the following (exit status 130).",
            "A blocked job needs a person: push then says what to do, and ends with exit status 1; the job stays in "
                + "the queue and goes on when the cause is fixed.",
            "IMAGE is NAME[:TAG], NAME@DIGEST, or oci:DIR[:REF] for an OCI image layout.",
        ],
        options: [
            .flag("detach", "d", "print the jobs' ids and return at once"),
            .flag("all-tags", "a", "push every tag of IMAGE, a name without a tag"),
            .value("platform", "OS/ARCH[/VARIANT]", repeats: true, "push only this platform; may be repeated"),
            .value("priority", "N", "higher goes first: from -100 to 100 (default: 0)"),
            .value(
                "verify", "LEVEL", choices: ["none", "manifest", "blobs", "deep"],
                "what to check in the registry afterwards"),
            .value(
                "format", "FORMAT", choices: ["docker", "oci"],
                "write the manifests in this format, for registries that refuse the other; the digest changes"),
            .flag("force", "f", "ask the registry for everything again, even for what is remembered of it"),
            .flag("dry-run", "n", "say what would be pushed, and push nothing"),
            .value("timeout", "DURATION", "give the job up after this time, such as 90s, 30m or 2h"),
        ] + ownLogin(for: "this push") + [
            .value(
                "progress", "HOW", choices: ["auto", "live", "plain", "json", "none"],
                "default: live on a terminal, else plain; with --json none"),
            .flag(
                "quiet", "q", "print only what was pushed, DEST@DIGEST, a line each; with --detach only the jobs' ids"),
            .value("digest-file", "FILE", "write DEST@DIGEST, a line each, into FILE once all has succeeded"),
            .value("file", "FILE", "push what FILE lists, IMAGE [DEST…] a line; - is standard input"),
        ],
        examples: [
            ("pushctl push team/app:1 registry.example/team/app:1", "push and follow"),
            ("pushctl push oci:build/app:1 registry.example/team/app:1 mirror.example/app:1", "two places at once"),
            ("pushctl push -d registry.example/team/app:1", "enqueue, and print the job's id"),
            ("pushctl push -q --digest-file pushed.txt registry.example/team/app:1", "in a script"),
            ("pushctl push --file release.txt", "all that a file lists"),
        ])

    private static let status = CommandSpec(
        "status", "[JOB…]", .atLeast(0), .job,
        summary: "show the queue: what runs, waits and has ended",
        options: [
            .value(
                "state", "STATE", choices: JobInfo.states, repeats: true,
                "only jobs in this state (\(JobInfo.states.joined(separator: ", "))); may be repeated"),
            .value("user", "NAME|UID", "only what this user has asked for"),
            .value(
                "limit", "N",
                "at most so many jobs (default: what the screen holds; in a pipe 50, and 10 that have ended)"),
            .flag("watch", "w", "keep showing it, until the jobs have ended or Ctrl-C"),
        ],
        examples: [
            ("pushctl status", "the jobs in hand, and the latest that ended"),
            ("pushctl status --state blocked --state failed", "what needs a look"),
            ("pushctl status --watch 12", "one job, live"),
            ("pushctl status --user $USER", "what you have asked for"),
        ])

    private static let show = CommandSpec(
        "show", "JOB…", .atLeast(1), .job,
        summary: "show jobs whole: attempts, errors, layers",
        examples: [("pushctl show 12", ""), ("pushctl --json show 12", "the same for a script")])

    private static let wait = CommandSpec(
        "wait", "JOB…", .atLeast(1), .job,
        summary: "return when jobs have ended",
        details: [
            "Exit status: 0 if all succeeded, 1 if not, 5 when the time is up. A blocked job waits for a person, and "
                + "so does this command: give a --timeout in scripts."
        ],
        options: [.value("timeout", "DURATION", "wait no longer than this, such as 90s, 30m or 2h")],
        examples: [("pushctl wait 12 13", ""), ("pushctl wait --timeout 10m 12", "at most ten minutes")])

    private static let cancel = CommandSpec(
        "cancel", "JOB…|--all", .atLeast(0), .job,
        summary: "give jobs up; what has ended stays as it is",
        details: [
            "Of jobs that are named, those that do not exist are reported, and the others are canceled: exit status 4 then."
        ],
        options: [
            .flag("all", nil, "all jobs that have not ended"),
            .value(
                "state", "STATE", choices: JobStates.open, repeats: true, "all jobs in this state; may be repeated"),
            .value("registry", "HOST", "only jobs for this registry; alone: all of them that have not ended"),
        ],
        examples: [
            ("pushctl cancel 12 13", ""), ("pushctl cancel --registry registry.example", "all that still go there"),
        ])

    private static let retry = CommandSpec(
        "retry", "JOB…|--failed", .atLeast(0), .job,
        summary: "try jobs again now",
        details: [
            "For jobs that have failed, are blocked, wait for their next attempt, or were canceled. Jobs that can't be tried "
                + "again are reported, and the others are tried: exit status 1 then, or 4 where one does not exist."
        ],
        options: [
            .flag("failed", nil, "all failed and blocked jobs"),
            .flag("all", nil, "those, and all that wait for their next attempt"),
            .value(
                "state", "STATE", choices: JobStates.retriable, repeats: true,
                "all jobs in this state; may be repeated"),
            .value("registry", "HOST", "only jobs for this registry; alone: as --all, for that one"),
        ] + ownLogin(for: "these jobs"),
        examples: [
            ("pushctl retry 12", ""), ("pushctl retry --failed", "after the network is back"),
            ("pushctl retry --failed --registry registry.example", ""),
        ])

    private static let pause = CommandSpec(
        "pause", "[REGISTRY]", .range(0...1),
        summary: "start no more pushes, to one registry or all",
        details: [
            "Jobs are still accepted, and wait; those that run go on. A registry that no job has been for yet can be "
                + "paused too, and pushctl says so."
        ],
        examples: [("pushctl pause registry.example", ""), ("pushctl pause", "all registries")])

    private static let resume = CommandSpec(
        "resume", "[REGISTRY]", .range(0...1),
        summary: "go on after a pause",
        examples: [("pushctl resume registry.example", ""), ("pushctl resume", "all registries")])

    private static let limit = CommandSpec(
        "limit", "[[REGISTRY] RATE]", .range(0...2),
        summary: "show or set how fast uploads may be",
        details: [
            "RATE is bytes a second: a number with k, M, G or T for powers of 1000, or Ki, Mi, Gi, Ti for powers of "
                + "1024, with or without B and /s, such as 500k, 20MB/s or 2MiB; none for no limit; or default for what "
                + "is configured at this time. It holds for all uploads together, or with REGISTRY for those to one "
                + "registry, from now on until the daemon ends. Uploads under way follow it at once."
        ],
        examples: [
            ("pushctl limit", "what holds now"), ("pushctl limit 5M", "leave some of the line to others"),
            ("pushctl limit registry.example none", ""), ("pushctl limit default", "back to the configuration"),
        ])

    private static let doctor = CommandSpec(
        "doctor", "[REGISTRY[/REPOSITORY]]", .range(0...1),
        summary: "find out what is in the way of a push",
        details: [
            "Goes the way of a push: looks up the address, connects, checks the certificate, asks for the API, looks for "
                + "a login, gets a token, and opens an upload that it gives up at once. Nothing is stored. Without "
                + "REPOSITORY it tries one that was pushed to before. Without REGISTRY it looks at this installation (state "
                + "directory, control socket, logins, clock, limits, stores) and then at every registry that is known. "
                + "Exit status: 0 if all is well, 1 if not."
        ],
        options: ownLogin(for: "this look"),
        examples: [
            ("pushctl doctor", "is all well here?"), ("pushctl doctor registry.example", ""),
            ("pushctl doctor registry.example/team/app", "may I push there?"),
        ])

    private static let registries = CommandSpec(
        "registries", "[REGISTRY]", .range(0...1),
        summary: "show what is known of registries",
        details: [
            "Pauses, limits, the login in use, and what each registry has shown to be able to do."
        ],
        options: [
            .flag("forget", nil, "find out anew what REGISTRY can do, and which blobs it has")
        ],
        examples: [
            ("pushctl registries", ""), ("pushctl registries registry.example --forget", "after it was replaced"),
        ])

    private static let verify = CommandSpec(
        "verify", "REF", .exactly(1),
        summary: "check that a registry has an image whole",
        details: [
            "Looks at the root manifest, all manifests below it, and the presence and size of every blob. Exit status: 0 "
                + "if all is as it should be, 1 if a difference was found."
        ],
        options: [
            .value("against", "IMAGE", "compare with this local image"),
            .flag("deep", nil, "download and hash every layer"),
        ] + ownLogin(for: "this check"),
        examples: [
            ("pushctl verify registry.example/team/app:1", ""),
            ("pushctl verify registry.example/team/app:1 --against oci:build/app:1", "is it the one I built?"),
        ])

    private static let inspect = CommandSpec(
        "inspect", "REF", .exactly(1),
        summary: "show a manifest: digest, type, platforms",
        options: [.flag("raw", nil, "print the manifest's exact bytes")] + ownLogin(for: "this look"),
        examples: [
            ("pushctl inspect registry.example/team/app:1", ""),
            ("pushctl inspect --raw registry.example/team/app:1 | sha256sum", "its digest, computed here"),
        ])

    private static let tags = CommandSpec(
        "tags", "REPOSITORY", .exactly(1),
        summary: "list the tags of a repository",
        details: ["In the registry's order, page by page; output can be cut off with head."],
        options: [.value("limit", "N", "end after so many")] + ownLogin(for: "this list"),
        examples: [("pushctl tags registry.example/team/app", "")])

    private static let repos = CommandSpec(
        "repos", "REGISTRY", .exactly(1),
        summary: "list the repositories of a registry",
        details: ["Many registries do not tell them, or only to some logins."],
        options: [.value("limit", "N", "end after so many")] + ownLogin(for: "this list"),
        examples: [("pushctl repos registry.example:5000 --limit 100", "")])

    private static let login = CommandSpec(
        "login", "[REGISTRY]", .range(0...1),
        summary: "log pushd in to a registry",
        details: [
            "The login is checked first, and kept where docker login keeps it, for the daemon's user. Jobs that wait for "
                + "it go on. Without REGISTRY the configured default is meant, or Docker Hub."
        ],
        options: [
            .value("user", "USER", "the user's name; else it is asked for", short: "u"),
            .value("username", "USER", "the same as --user"),
            .flag("password-stdin", nil, "read the password or token from standard input"),
        ],
        examples: [
            ("pushctl login registry.example", ""),
            ("pushctl login -u robot --password-stdin registry.example", "the token comes through a pipe"),
        ])

    private static let logout = CommandSpec(
        "logout", "[REGISTRY]", .range(0...1),
        summary: "remove what login has kept",
        details: ["Without REGISTRY the configured default is meant, or Docker Hub."],
        examples: [("pushctl logout registry.example", "")])

    private static let images = CommandSpec(
        "images", "", .exactly(0),
        summary: "list the local images, and where they were pushed",
        details: ["Those of every store that the daemon reads."],
        examples: [("pushctl images", ""), ("pushctl images --json", "with whole digests, for a script")])

    private static let events = CommandSpec(
        "events", "", .exactly(0),
        summary: "print what has happened, or happens",
        details: [
            "Jobs that change their state, registries that are paused or in trouble, logins, and configurations that were "
                + "read. Each event has a number; a program that remembers the last number can continue after it with "
                + "--since, and sees each once, also across restarts of the daemon. They are kept about as long as jobs that "
                + "have ended; where older ones were asked for, an event of the kind lost says so."
        ],
        options: [
            .flag("follow", "f", "go on with what happens from now on, until Ctrl-C"),
            .value(
                "since", "ID|TIME",
                "begin after this event, at this time (2026-03-04T05:06:07Z), or so long ago (10m, 2h)"),
        ],
        examples: [
            ("pushctl events --since 1h", "the last hour"),
            ("pushctl events --since 4711 -f --json", "go on after event 4711, one JSON object a line"),
        ])

    private static let completion = CommandSpec(
        "completion", "SHELL", .exactly(1), .shell,
        summary: "print completions for bash, zsh or fish",
        examples: [
            ("pushctl completion bash > /etc/bash_completion.d/pushctl", ""),
            ("pushctl completion fish > ~/.config/fish/completions/pushctl.fish", ""),
        ])

    private static let ping = CommandSpec(
        "ping", "", .exactly(0),
        summary: "ask whether the daemon answers",
        details: [
            "Exit status: 0 if it answers, 3 if not. With --wait it is asked again and again until it does, or the time "
                + "is up: for scripts that have just started it."
        ],
        options: [.value("wait", "DURATION", "wait up to this long, such as 10s")],
        examples: [("pushctl ping", ""), ("pushctl ping --wait 10s", "after: pushd &")])

    private static let version = CommandSpec(
        "version", "", .exactly(0),
        summary: "show the versions of pushctl and pushd",
        details: ["It succeeds also where no daemon answers, and says so."],
        examples: [("pushctl version", "")])

    private static let help = CommandSpec(
        "help", "[COMMAND]", .range(0...1), .command,
        summary: "show help on a command",
        examples: [("pushctl help", "all commands"), ("pushctl help push", "one, as: pushctl push --help")])
}
