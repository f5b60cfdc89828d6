import FoundationEssentials
import Glibc
import OCI
import TestSupport

/// What can be wrong on pushctl's command line, with a daemon, without one, and at the registry.
extension BadInput {
    /// A case: one command, beside a daemon with the image `app:1`.
    private static func command(_ name: String, _ words: String..., configuration: String = "") -> BadInput {
        BadInput(name) { machine in
            try await withImage(machine, configuration) { Shown(try await machine.pushctl(words), machine) }
        }
    }

    /// A case that needs no daemon.
    private static func alone(_ name: String, _ words: String...) -> BadInput {
        BadInput(name) { machine in Shown(try await machine.pushctl(words), machine) }
    }

    private static func withImage<Value>(
        _ machine: Machine, _ configuration: String = "", _ body: () async throws -> Value
    ) async throws -> Value {
        let builder = try LayoutBuilder(directory: machine.layout)
        try builder.addImage(layers: [try builder.addLayer(size: 5000)], name: "app:1")
        try builder.writeIndexJSON()
        return try await machine.withDaemon("retry: { base: '200ms' }, \(configuration)") { _ in try await body() }
    }

    static let names: [BadInput] = [
        command("The image's name has a space", "push", "-d", "my app", "registry.example/app:1"),
        command("The image's name is a path", "push", "-d", "./app", "registry.example/app:1"),
        command("Neither the image nor a destination says which registry", "push", "-d", "app:1"),
        command("The destination names no registry, and no default is configured", "push", "-d", "app:1", "team/app"),
        command(
            "The default registry is Docker Hub, and nothing tells the namespace", "push", "-d", "app:1",
            configuration: "defaults: { registry: 'docker.io' }"),
        command(
            "An alias is given a digest without a tag", "push", "-d", "app:1",
            "release/app@sha256:\(String(repeating: "0", count: 64))",
            configuration: "aliases: { release: 'registry.example/{name}:{tag}' }"),
        command("The destination has capitals", "push", "-d", "app:1", "registry.example/Team/app"),
        command("The destination's tag is none", "push", "-d", "app:1", "registry.example/app:-1"),
        command("The destination is a URL", "push", "-d", "app:1", "https://registry.example/app"),
        command("The destination's digest is cut off", "push", "-d", "app:1", "registry.example/app@sha256:12ab"),
        command(
            "The destination's digest is another image's", "push", "-d", "app:1",
            "registry.example/app@sha256:\(String(repeating: "0", count: 64))"),
        command("The reference to verify names no registry", "verify", "app:1"),
        command("What is paused is no registry", "pause", "registry.example/team"),
        command("What is to go on is no registry", "resume", "registry.example/team"),
    ]

    /// A case: `inspect` at a server that gives one answer to everything.
    private static func answer(_ name: String, _ answer: Answer, reference: String = "team/app:1") -> BadInput {
        BadInput(name) { machine in
            try await ScriptedServer.with({ try $0.send(answer) }) { server in
                try await withImage(machine) {
                    Shown(try await machine.pushctl("inspect", "\(server.address)/\(reference)"), machine)
                }
            }
        }
    }

    private static func registryError(_ code: String, _ message: String) -> String {
        #"{"errors":[{"code":"\#(code)","message":"\#(message)"}]}"#
    }

    private static let json = [("Content-Type", "application/json")]

    static let registries: [BadInput] = [
        BadInput("Nothing listens at the registry's port") { machine in
            let port = try freePort()
            return try await withImage(machine) {
                Shown(try await machine.pushctl("inspect", "127.0.0.1:\(port)/team/app:1"), machine)
            }
        },
        command("The registry's host name does not exist", "inspect", "no-such-host.invalid/team/app:1"),
        answer(
            "What answers is a web page",
            Answer(200, headers: [("Content-Type", "text/html")], "<html><title>It works!</title></html>")),
        answer("What answers is not a manifest", Answer(200, headers: json, "[1, 2")),
        answer("The registry does not have it", Answer(404, headers: json, registryError("MANIFEST_UNKNOWN", "no"))),
        answer(
            "The registry wants a login, and none is stored",
            Answer(
                401, headers: json + [("WWW-Authenticate", "Basic realm=\"r\"")], registryError("UNAUTHORIZED", "no"))),
        answer("The registry forbids it", Answer(403, headers: json, registryError("DENIED", "not yours"))),
        answer("The registry fails", Answer(500, headers: json, registryError("UNKNOWN", "disk on fire"))),
        answer(
            "The registry limits requests",
            Answer(429, headers: json + [("Retry-After", "30")], registryError("TOOMANYREQUESTS", "slow down"))),
        BadInput("A push does not end in the time that it was given") { machine in
            let port = try freePort()
            return try await withImage(machine) {
                let words = ["push", "app:1", "127.0.0.1:\(port)/team/app:1", "--timeout", "1s"]
                return Shown(try await machine.pushctl(words), machine)
            }
        },
    ]

    static let jobs: [BadInput] = [
        command("There is no such job to show", "show", "99"),
        command("There is no such job to list", "status", "99"),
        command("There is no such job to wait for", "wait", "99"),
        command("There is no such job to cancel", "cancel", "99"),
        command("There is no such job to try again", "retry", "99"),
        BadInput("A wait takes longer than it may") { machine in
            let port = try freePort()
            return try await withImage(machine) {
                let job = try await machine.enqueue("app:1", "127.0.0.1:\(port)/team/app:1")
                return Shown(try await machine.pushctl("wait", String(job), "--timeout", "100ms"), machine)
            }
        },
    ]

    static let usage: [BadInput] = [
        alone("An unknown command", "pusch"),
        alone("A command of another tool", "rm", "-f", "12"),
        alone("An unknown option", "push", "app:1", "--detatch"),
        alone("No image", "push"),
        alone("Too many arguments", "inspect", "a.example/b", "c.example/d"),
        alone("An option without its value", "push", "app:1", "--priority"),
        alone("A number that is none", "push", "app:1", "--priority", "high"),
        alone("A duration that is none", "wait", "1", "--timeout", "soon"),
        alone("A platform that is none", "push", "app:1", "--platform", "arm"),
        alone("A state that does not exist", "status", "--state", "lost"),
        alone("A level that does not exist", "push", "app:1", "--verify", "all"),
        alone("A job's number that is none", "show", "first"),
        alone("Two options that exclude each other", "push", "app:1", "-d", "--dry-run"),
    ]

    static let noDaemon: [BadInput] = [
        alone("No daemon: there is no socket", "--socket", "/nowhere/pushd.sock", "status"),
        BadInput("No daemon: it has died and left its socket") { machine in
            let daemon = try await machine.start()
            daemon.send(SIGKILL)
            _ = try await daemon.wait()
            return Shown(try await machine.pushctl("status"), machine)
        },
        BadInput("The socket's path is too long") { machine in
            let path = "/" + String(repeating: "s", count: 120)
            return Shown(try await machine.pushctl("--socket", path, "status"), machine)
        },
        BadInput("Something else answers at the socket") { machine in
            try await ForeignSocket.with(machine.socket, answering: "SSH-2.0-OpenSSH_9.6\r\n\0") {
                Shown(try await machine.pushctl("status"), machine)
            }
        },
    ]
}
