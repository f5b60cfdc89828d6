internal import Control
internal import FoundationEssentials

/// Logging in and out.
extension Session {
    func login(_ registry: String?, user: String?, passwordFromInput: Bool) async throws -> Int32 {
        let show = passwordFromInput ? {} : console.questions.hideTyping()
        defer { show() }
        // Asked for only what is of use: whether there is a daemon is known first.
        let client = try await daemon.connect()
        let pipe = "pipe it in: pushctl login -u USER --password-stdin \(registry ?? "REGISTRY") < FILE"
        let (user, password) = try passwordFromInput ? pipedLogin(user) : typedLogin(user, orElse: pipe)
        let output = try await client.call(
            Login.self, Login.Input(registry: registry, user: user, password: password))
        if json {
            try console.printJSON(output)
            return ExitStatus.done
        }
        var lines: [Line] = ["logged in to \(output.registry) as \(user); the login is in \(output.place)"]
        if output.asked == false {
            lines = [
                "\(output.registry) asks for no login: whether user and password are right is not known",
                "the login of \(user) is kept in \(output.place)",
            ]
        }
        if !output.jobs.isEmpty {
            let jobs = output.jobs.map(String.init).joined(separator: ", ")
            lines.append(output.jobs.count == 1 ? "job \(jobs) goes on" : "jobs \(jobs) go on")
        }
        try console.print(lines)
        return ExitStatus.done
    }

    private func pipedLogin(_ user: String?) throws -> (String, String) {
        guard let user else {
            throw UsageError(
                "--password-stdin needs the user too", advice: "write: pushctl login -u USER --password-stdin")
        }
        guard let bytes = console.questions.readAll(64 << 10), let text = String(validating: bytes, as: UTF8.self)
        else {
            throw Failure(
                "the password on standard input can't be read: it is longer than 64 KiB, or no text",
                status: ExitStatus.usage)
        }
        // What `echo` and editors put behind it.
        let password = text.hasSuffix("\r\n") || text.hasSuffix("\n") ? String(text.dropLast()) : text
        guard !password.isEmpty else { throw Failure("standard input holds no password", status: ExitStatus.usage) }
        return (user, password)
    }

    /// What a command brings of its caller's logins.
    enum OwnLogin {
        case none
        case given(JobLogin)
        /// Whole, as they are on the caller's disk.
        case files([LoginFile])
    }

    /// - Parameter command: for advice: `push`.
    func ownLogin(_ login: Command.PushLogin, for command: String) throws -> OwnLogin {
        switch login {
        case .daemons: return .none
        case .user(let user, let isPiped):
            let pipe = "pipe it in: pushctl \(command) -u USER --password-stdin … < FILE"
            let (user, password) = try isPiped ? pipedLogin(user) : typedLogin(user, orElse: pipe)
            return .given(JobLogin(user: user, password: password))
        case .files(let paths):
            let files = try paths.compactMap(loginFile)
            guard !files.isEmpty else {
                throw Failure(
                    "you have no login of your own: there is none of \(paths.joined(separator: ", "))",
                    advice: "log in with docker login or podman login, or give it: pushctl \(command) -u USER …",
                    status: ExitStatus.failed)
            }
            return .files(files)
        }
    }

    /// Connects, then asks for the login where it is typed: whether there is a daemon is known first.
    func connect(
        with login: Command.PushLogin, for command: String
    ) async throws -> (client: ControlClient, login: OwnLogin) {
        let show = login.isTyped ? console.questions.hideTyping() : {}
        defer { show() }
        let client = try await daemon.connect()
        return (client, try ownLogin(login, for: command))
    }

    /// Nil where there is none.
    private func loginFile(_ path: String) throws -> LoginFile? {
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        let largest = 256 << 10
        guard let content = FileManager.default.contents(atPath: path), content.count <= largest,
            let text = String(validating: content, as: UTF8.self)
        else {
            throw Failure(
                "your logins in \(path) can't be read: no permission, no text, or more than 256 KiB",
                status: ExitStatus.failed)
        }
        return LoginFile(path: path, content: text)
    }

    func typedLogin(_ user: String?, orElse advice: String) throws -> (String, String) {
        guard console.questions.canAsk else {
            throw UsageError("there is no terminal to ask for the password on", advice: advice)
        }
        let given = user ?? console.questions.ask("Username: ", false)
        guard let name = given, !name.isEmpty else { throw Failure("no user was given", status: ExitStatus.usage) }
        guard let password = console.questions.ask("Password: ", true), !password.isEmpty else {
            throw Failure("no password was given", status: ExitStatus.usage)
        }
        return (name, password)
    }

    func logout(_ registry: String?) async throws -> Int32 {
        let output = try await call(Logout.self, Logout.Input(registry: registry))
        if json {
            try console.printJSON(output)
            return ExitStatus.done
        }
        var lines: [Line] = [
            Line(
                output.place.map { "logged out of \(output.registry); the login was in \($0)" }
                    ?? "there was no login for \(output.registry) to remove")
        ]
        if let remaining = output.remaining {
            lines.append("pushd still finds a login in \(remaining), which pushctl does not change")
        }
        try console.print(lines)
        return ExitStatus.done
    }
}

extension Session.OwnLogin {
    /// What a call to these registries is given: one of the two at most, and of the files no login for another registry.
    func parameters(for registries: Set<String>) throws(Failure) -> (login: JobLogin?, files: [LoginFile]?) {
        switch self {
        case .none: return (nil, nil)
        case .given(let login): return (login, nil)
        case .files(let files):
            var picked: [LoginFile] = []
            for file in files {
                let entries = try LoginEntries(file).only(for: registries)
                picked.append(LoginFile(path: file.path, content: entries.text))
            }
            return (nil, picked)
        }
    }
}
