import FoundationEssentials
import TestSupport
import Testing

/// A person at a real terminal, played by Python's `pty`.
@Suite(
    "pushctl login on a terminal", .timeLimit(.minutes(2)),
    .enabled("python3 is needed") { installedProgram("python3") != nil })
struct LoginTerminalTests {
    /// Runs pushctl on a terminal of its own and prints what its screen shows; the exit status is pushctl's.
    ///
    /// `ahead` is typed before pushctl has even begun, by one who does not see it; `answers` are each typed as soon as
    /// their question is on the screen, with a check that a secret's echo is off by then.
    private static let script = #"""
        import os, pty, sys, termios, json
        plan = json.loads(sys.argv[1])
        start, go = os.pipe()
        pid, terminal = pty.fork()
        if pid == 0:
            os.read(start, 1)
            os.execv(sys.argv[2], sys.argv[2:])
        def echoes(): return bool(termios.tcgetattr(terminal)[3] & termios.ECHO)
        if plan["ahead"]:
            mode = termios.tcgetattr(terminal)
            mode[3] &= ~termios.ECHO
            termios.tcsetattr(terminal, termios.TCSANOW, mode)
            os.write(terminal, plan["ahead"].encode())
        os.write(go, b"x")
        screen, answers = b"", plan["answers"]
        while True:
            try: piece = os.read(terminal, 4096)
            except OSError: break
            if not piece: break
            screen += piece
            while answers and answers[0][0].encode() in screen:
                question, answer, isSecret = answers.pop(0)
                if isSecret and echoes(): screen += b"[ECHO IS ON]"
                keys = {"^C": b"\x03", "^\\": b"\x1c", "^Z": b"\x1a"}
                os.write(terminal, keys.get(answer, answer.encode()))
                if answer == "^Z":
                    os.waitpid(pid, os.WUNTRACED)
                    screen += b"[ECHO IS BACK]" if echoes() else b"[ECHO IS LOST]"
                    os.kill(pid, 18)
                    while echoes(): pass
                    screen += b"[Goes on: ]"
                if answer in ("^C", "^\\"):
                    while True:
                        try: piece = os.read(terminal, 4096)
                        except OSError: break
                        screen += piece
                        if b"\r\n" in piece:
                            # pushctl holds the terminal's other end until it has ended.
                            break
                    screen += b"[ECHO IS BACK]" if echoes() else b"[ECHO IS LOST]"
        status = os.waitpid(pid, 0)[1]
        sys.stdout.write(screen.decode(errors="replace"))
        sys.exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128)
        """#

    private static func type(
        ahead: String = "", answering answers: [(String, String, Bool)] = [], _ words: [String], _ machine: Machine
    ) async throws -> ProcessRunner.Result {
        let list = answers.map { JSONEntry.list([.text($0.0), .text($0.1), .flag($0.2)]) }
        let plan = #"{"ahead":\#(JSONEntry.text(ahead).json),"answers":\#(JSONEntry.list(list).json)}"#
        let script = try machine.directory.write(Self.script.utf8, to: "person.py")
        return try await ProcessRunner.run(
            "python3", [script, plan, try builtProduct("pushctl")] + words, environment: machine.environment)
    }

    private indirect enum JSONEntry {
        case text(String), flag(Bool), list([JSONEntry])

        var json: String {
            switch self {
            case .text(let text):
                "\"" + text.replacing("\\", with: "\\\\").replacing("\n", with: "\\n") + "\""
            case .flag(let flag): "\(flag)"
            case .list(let items): "[" + items.map(\.json).joined(separator: ",") + "]"
            }
        }
    }

    private static func with(_ body: (Machine, TestRegistry) async throws -> Void) async throws {
        try await Machine.with { machine in
            try await TestRegistry.with(authentication: .basic(user: "me", password: "sesame-7")) { registry in
                let daemon = try await machine.start()
                defer { daemon.send(9) }
                try await body(machine, registry)
            }
        }
    }

    @Test("asks for user and password, and shows only the user")
    func asks() async throws {
        try await Self.with { machine, registry in
            let result = try await Self.type(
                answering: [("Username: ", "me\n", false), ("Password: ", "sesame-7\n", true)],
                ["login", registry.address],
                machine)
            #expect(result.status == 0, "\(result.output)\(result.errors)")
            #expect(result.output.contains("Username: me\r\n"), "\(result.output)")
            #expect(result.output.contains("logged in to \(registry.address) as me"))
            #expect(!result.output.contains("sesame") && !result.output.contains("ECHO IS ON"), "\(result.output)")
        }
    }

    @Test("takes what was typed before the question was there, and does not show it")
    func ahead() async throws {
        try await Self.with { machine, registry in
            let result = try await Self.type(ahead: "sesame-7\n", ["login", "-u", "me", registry.address], machine)
            #expect(result.status == 0, "\(result.output)\(result.errors)")
            #expect(result.output.contains("Password: \r\n"), "\(result.output)")
            #expect(!result.output.contains("sesame"), "\(result.output)")
        }
    }

    @Test(
        "gives the terminal back when it is interrupted", arguments: [("^C", 130), ("^\\", 131)] as [(String, Int32)])
    func interrupted(key: String, status: Int32) async throws {
        try await Self.with { machine, registry in
            let result = try await Self.type(
                answering: [("Password: ", key, true)], ["login", "-u", "me", registry.address], machine)
            #expect(result.status == status, "\(result.output)")
            #expect(result.output.contains("[ECHO IS BACK]"), "\(result.output)")
        }
    }

    @Test("gives the terminal back while it is stopped, and hides the password again when it goes on")
    func stopped() async throws {
        try await Self.with { machine, registry in
            let result = try await Self.type(
                answering: [("Password: ", "^Z", true), ("[Goes on: ]", "sesame-7\n", true)],
                ["login", "-u", "me", registry.address], machine)
            #expect(result.status == 0, "\(result.output)\(result.errors)")
            #expect(result.output.contains("[ECHO IS BACK][Goes on: ]"), "\(result.output)")
            #expect(!result.output.contains("sesame") && !result.output.contains("ECHO IS ON"), "\(result.output)")
        }
    }

    @Test("takes the addresses that docker login takes, and docker's name of the option")
    func addresses() async throws {
        try await Self.with { machine, registry in
            let password = try machine.directory.write("sesame-7\n".utf8, to: "password")
            for address in ["http://\(registry.address)/v2/", "https://\(registry.address)", "\(registry.address)/"] {
                let result = try await ProcessRunner.run(
                    try builtProduct("pushctl"), ["login", "--username", "me", "--password-stdin", address],
                    environment: machine.environment, input: password)
                #expect(result.output.hasPrefix("logged in to \(registry.address) as me"), "\(result.errors)")
                let out = try await machine.pushctl("logout", address)
                #expect(out.output.hasPrefix("logged out of \(registry.address)"), "\(out.errors)")
            }
            let hub = try await machine.pushctl("logout", "https://index.docker.io/v1/")
            #expect(hub.output.hasPrefix("there was no login for docker.io"), "\(hub.output)\(hub.errors)")
        }
    }

    @Test("says first that user or password are wrong, and that a registry asks for none")
    func answers() async throws {
        try await Self.with { machine, registry in
            let wrong = try await machine.logIn(registry.address, user: "me", password: "wrong-password")
            #expect(wrong.status == 1)
            #expect(
                wrong.errors.hasPrefix(
                    "pushctl: wrong user or password: \(registry.address) rejected the login of me"), "\(wrong.errors)")
            registry.setAuthentication(.none)
            let open = try await machine.logIn(registry.address, user: "me", password: "sesame-7")
            #expect(open.status == 0)
            #expect(open.output.hasPrefix("\(registry.address) asks for no login: "), "\(open.output)\(open.errors)")
        }
    }

    @Test("that has been removed or changed in the file counts for the next job, and registries names what is used")
    func changes() async throws {
        try await Self.with { machine, registry in
            try CommandTests.image(machine)
            func login(_ user: String, _ password: String) throws {
                let pair = Data("\(user):\(password)".utf8).base64EncodedString()
                try machine.keepLogin(for: registry.address, entry: #"{"auth":"\#(pair)"}"#)
            }
            func push(_ tag: String) async throws -> ProcessRunner.Result {
                try await machine.pushctl("push", "app:1", "\(registry.address)/team/app:\(tag)")
            }
            func shown() async throws -> String { try await machine.pushctl("registries", registry.address).output }
            try login("me", "sesame-7")
            #expect(try await push("1").status == 0)
            #expect(try await shown().contains("me, from "))
            try login("you", "wrong")
            let refused = try await push("2")
            #expect(refused.status == 1 && refused.errors.contains("rejected the login of you"), "\(refused.errors)")
            #expect(try await shown().contains("you, from "))
            try machine.directory.write(#"{"auths":{}}"#.utf8, to: ".docker/config.json")
            let gone = try await push("3")
            #expect(gone.status == 1 && gone.errors.contains("wants a login and none is stored"), "\(gone.errors)")
            #expect(try await shown().contains("asked anonymously"))
            try machine.directory.write("{".utf8, to: ".docker/config.json")
            #expect(try await shown().contains("can't be used: the logins in "))
        }
    }
}
