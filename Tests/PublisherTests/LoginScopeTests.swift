import OCI
import PushQueue
import Registry
import TestSupport
import Testing

@testable import Publisher

/// Logins by the first element of the repository; the password is `USER-secret`.
private struct NamespaceLogins: CredentialProvider {
    let users: [String: String]

    func credential(registry: String, repository: String) -> FoundCredential? {
        users[String(repository.prefix { $0 != "/" })].map { user in
            FoundCredential(
                credential: .basic(user: user, password: Secret(user + "-secret")), origin: "entry for \(user)")
        }
    }
}

@Suite("Two logins at one registry")
struct LoginScopeTests {
    private let users = ["a": "ann", "b": "bob"]

    @Test("are used each for its own repositories, and nothing is mounted from one's to the other's")
    func separate() async throws {
        try await TestRegistry.with(authentication: .basicByNamespace(users)) { registry in
            try await Bench.with(credentials: NamespaceLogins(users: users)) { bench in
                let layer = try bench.builder.addLayer(size: 200_000)
                try bench.image("app:1", layers: [layer])
                try await bench.publish("app:1", to: "\(registry.address)/a/one:1")
                let other = try await bench.publish("app:1", to: "\(registry.address)/b/one:1")
                #expect(other.job.bytesMounted == 0 && other.job.bytesUploaded > 200_000)
                // Within a namespace all is as ever: that nothing was mounted says nothing of the registry.
                let again = try await bench.publish("app:1", to: "\(registry.address)/b/two:1")
                #expect(again.job.bytesMounted > 200_000 && again.job.bytesUploaded == 0)
                #expect(registry.violations.isEmpty, "\(registry.violations)")
            }
        }
    }

    @Test("share no upload when both push the same at the same time")
    func together() async throws {
        try await TestRegistry.with(authentication: .basicByNamespace(users)) { registry in
            try await Bench.with(credentials: NamespaceLogins(users: users)) { bench in
                try bench.image("app:1", layers: [try bench.builder.addLayer(size: 200_000)])
                var ids: [JobID] = []
                for place in ["a/one", "b/one", "a/two", "b/two"] {
                    ids.append(try await bench.push("app:1", to: "\(registry.address)/\(place):1"))
                }
                for id in ids { #expect(try await bench.settled(id).job.state == .succeeded) }
                #expect(registry.violations.isEmpty, "\(registry.violations)")
            }
        }
    }
}
