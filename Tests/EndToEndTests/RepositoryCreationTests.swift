import FoundationEssentials
import OCI
import TestSupport
import Testing

@Suite(
    "A repository that is missing",
    .enabled(if: installedProgram("aws") != nil && installedProgram("moto_server") != nil)
)
struct RepositoryCreationTests {
    /// Nobody's keys: what stands in for Amazon takes any.
    private static let variables = [
        "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_PAGER": "",
    ]

    /// Runs `body` with a server that stands in for Amazon's ECR, and its address.
    private static func withECR(
        _ machine: Machine, _ body: (ProcessRunner, _ url: String) async throws -> Void
    ) async throws {
        let program = try #require(installedProgram("moto_server"))
        let environment = machine.environment.merging(["PATH": path(of: program)]) { $1 }
        try await ProcessRunner.with(program, ["-H", "127.0.0.1", "-p", "0"], environment: environment) { server in
            try await server.waitForOutput("Running on http://", timeout: .seconds(60))
            let text = server.output + server.errors
            let start = try #require(text.firstRange(of: "Running on "))
            let url = String(text[start.upperBound...].prefix { !$0.isWhitespace })
            try await body(server, url)
        }
    }

    /// A `PATH` in which a program finds the others of its kind.
    private static func path(of program: String) -> String {
        program.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 } + ":/usr/local/bin:/usr/bin:/bin"
    }

    @Test("is made with the real aws command at the first push, which then goes on")
    func aws() async throws {
        try await Machine.with { machine in
            let layer = try CommandTests.image(machine)
            let aws = try #require(installedProgram("aws"))
            try await Self.withECR(machine) { server, url in
                // The registry knows the repository as soon as ECR has answered that it has made it.
                let gate: @Sendable (Exchange) throws -> Bool = { exchange in
                    let hasMade = (server.output + server.errors).contains("\"POST / HTTP/1.1\" 200")
                    guard exchange.head.method == "POST", !hasMade else { return false }
                    try exchange.send(
                        .refusal(
                            404, "NAME_UNKNOWN",
                            "The repository with name 'team/app' does not exist in the registry with id '123456789012'")
                    )
                    return true
                }
                try await TestRegistry.with(profile: .ecr, beside: gate) { registry in
                    let command = [
                        aws, "--endpoint-url", url, "ecr", "create-repository", "--repository-name", "{repository}",
                    ]
                    let words = command.map { "'\($0)'" }.joined(separator: ", ")
                    let daemon = try await machine.start(
                        "registries: { '\(registry.address)': { createRepository: { command: [\(words)], timeout: '90s' } } }",
                        variables: Self.variables.merging(["PATH": Self.path(of: aws)]) { $1 })
                    defer { daemon.send(9) }
                    let push = try await machine.pushctl("push", "app:1", registry.address + "/team/app:1")
                    #expect(push.status == 0, "\(push.output)\(push.errors)")
                    #expect(registry.bodyBytes(for: layer.digest) == layer.size)
                    #expect(try await machine.job(1)["attempts"]?.integer == 1)
                    #expect(daemon.errors.contains("made team/app, which was missing"), "\(daemon.errors)")

                    let list = try await ProcessRunner.run(
                        aws, ["--endpoint-url", url, "ecr", "describe-repositories", "--output", "json"],
                        environment: machine.environment.merging(Self.variables) { $1 }
                            .merging(["PATH": Self.path(of: aws)]) { $1 })
                    let repositories = try JSON(parsing: list.output)["repositories"]?.list ?? []
                    #expect(repositories.map { $0["repositoryName"]?.string } == ["team/app"], "\(list.errors)")
                }
            }
        }
    }

    @Test("and can't be made: the push says what aws says and what to do")
    func refused() async throws {
        try await Machine.with { machine in
            _ = try CommandTests.image(machine)
            let aws = try #require(installedProgram("aws"))
            try await Self.withECR(machine) { _, url in
                let profile = RegistryProfile.ecr.with { $0.wantsRepositoryFirst = true }
                try await TestRegistry.with(profile: profile) { registry in
                    // Names begin with a letter or digit at ECR; this one is refused by it.
                    let words = [
                        aws, "--endpoint-url", url, "ecr", "create-repository", "--repository-name", "{name}+",
                    ]
                    .map { "'\($0)'" }.joined(separator: ", ")
                    let daemon = try await machine.start(
                        "registries: { '\(registry.address)': { createRepository: { command: [\(words)] } } }",
                        variables: Self.variables.merging(["PATH": Self.path(of: aws)]) { $1 })
                    defer { daemon.send(9) }
                    let push = try await machine.pushctl("push", "app:1", registry.address + "/team/app:1")
                    #expect(push.status == 1)
                    #expect(push.errors.contains("ended with exit status 25"), "\(push.errors)")
                    #expect(push.errors.contains("InvalidParameterException"), "\(push.errors)")
                    #expect(push.errors.contains("try it as the user that pushd runs as"), "\(push.errors)")
                    #expect(try await machine.job(1)["error"]?["code"]?.string == "repository-creation-refused")
                }
            }
        }
    }
}
