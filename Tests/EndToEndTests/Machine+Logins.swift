import FoundationEssentials
import TestSupport

extension Machine {
    /// Keeps a login where Docker does.
    ///
    /// - Parameter entry: the member of Docker's `config.json`; nil: the login of Debian's registry.
    func keepLogin(for registry: String, entry: String? = nil) throws {
        let login = Data("\(DebianRegistry.user):\(DebianRegistry.password)".utf8).base64EncodedString()
        try directory.write(
            Array(#"{"auths":{"\#(registry)":\#(entry ?? #"{"auth":"\#(login)"}"#)}}"#.utf8), to: ".docker/config.json")
    }

    /// `pushctl login`, with the password from standard input.
    func logIn(
        _ registry: String, user: String = DebianRegistry.user, password: String = DebianRegistry.password
    ) async throws -> ProcessRunner.Result {
        let file = try directory.write((password + "\n").utf8, to: "password")
        return try await ProcessRunner.run(
            try builtProduct("pushctl"), ["login", "-u", user, "--password-stdin", registry],
            environment: environment, input: file)
    }
}
