import FoundationEssentials
import OCI
import PushQueue
import Registry
import Synchronization
import TestSupport
import Testing

@testable import Publisher

/// `docs/errors.md` has a table of what registries say against a push. Each row is tried over HTTP here, and what the
/// job says has to be what stands there, to the letter.
@Suite("Who is wrong, by what a registry answers")
struct WhoIsWrongTests {
    struct Case: Sendable, CustomTestStringConvertible {
        /// The row's first cell.
        let name: String
        var profile = RegistryProfile.distribution3
        var authentication = TestAuthentication.none
        var login: OneLogin?
        /// By the registry's address.
        var faults: @Sendable (String) -> [Fault] = { _ in [] }
        /// An image that is at the tag before.
        var isTagTaken = false
        /// What stands in the manifest as a layer that is had elsewhere.
        var hadElsewhere: Descriptor?

        var testDescription: String { name }
    }

    private static let wrong = OneLogin(user: "robot", password: Secret("wrong"), origin: "/auth.json")
    private static let right = OneLogin(user: "robot", password: Secret("right"), origin: "/auth.json")
    private static let basic = TestAuthentication.basic(user: "robot", password: "right")
    private static let tokens = TestTokenService(user: "robot", password: "right")

    private static func upload(_ status: Int, _ code: String, _ message: String) -> @Sendable (String) -> [Fault] {
        { address in
            let challenge = #"Bearer realm="http://\#(address)/token",service="test-registry""#
            let headers = status == 401 ? [("WWW-Authenticate", challenge)] : []
            let answer = Answer.refusal(status, code, message, headers: headers)
            return [Fault(.uploadStart, times: .max, .respond(answer))]
        }
    }

    private static func manifest(_ answer: Answer) -> @Sendable (String) -> [Fault] {
        { _ in [Fault(.manifest, method: "PUT", times: .max, .respond(answer))] }
    }

    private static let windowsBase = Descriptor(
        mediaType: MediaType("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"), digest: Digest(of: [1]),
        size: 1, urls: ["https://elsewhere.test/layer"])

    static let cases: [Case] = [
        Case(name: "401, and no login is stored", authentication: basic),
        Case(name: "401 to the stored login", authentication: basic, login: wrong),
        Case(name: "401 to the stored login, from the token server", authentication: .bearer(tokens), login: wrong),
        Case(
            name: "A token that does not allow to push",
            authentication: .bearer(tokens.with { $0.readOnlyRepositories = ["team/app"] }), login: right),
        Case(
            name: "401 `unauthorized to access repository`, from Harbor", authentication: .bearer(tokens), login: right,
            faults: upload(401, "UNAUTHORIZED", "unauthorized to access repository: team/app, action: push")),
        Case(
            name: "403 `DENIED`", authentication: .bearer(tokens), login: right,
            faults: upload(403, "DENIED", "requested access to the resource is denied")),
        Case(
            name: "403, by a firewall",
            faults: upload(403, "DENIED", "client with IP 192.0.2.1 is not allowed access")),
        Case(
            name: "403 or 405, a namespace that is closed", faults: upload(405, "DENIED", "namespace is disabled")),
        Case(name: "404 `NAME_UNKNOWN`", profile: .distribution3.with { $0.wantsRepositoryFirst = true }),
        Case(name: "400 `NAME_INVALID`", faults: upload(400, "NAME_INVALID", "invalid repository name")),
        Case(
            name: "403, a quota",
            faults: upload(
                403, "DENIED",
                "adding 2.0 GiB of storage resource will exceed the configured upper limit of 10.0 GiB")),
        Case(
            name: "403, a rate limit, from GHCR",
            faults: upload(
                403, "DENIED",
                "permission_denied: You have exceeded a secondary rate limit. Please wait a few minutes before you try "
                    + "again.")),
        Case(name: "429", faults: upload(429, "TOOMANYREQUESTS", "Rate exceeded")),
        Case(name: "405, for maintenance", faults: upload(405, "DENIED", "the registry is in read-only mode")),
        Case(name: "405 `UNSUPPORTED`, a mirror", faults: upload(405, "UNSUPPORTED", "The operation is unsupported.")),
        Case(
            name: "400, 403, 405, 409 or 412 to a tag that can't be moved",
            profile: .distribution3.with {
                $0.immutableTags = .refusal(400, "TAG_INVALID", "The image tag '1' already exists and is immutable.")
            }, isTagTaken: true),
        Case(
            name: "400 `TAG_INVALID`", faults: manifest(.refusal(400, "TAG_INVALID", "manifest tag did not match URI"))),
        Case(
            name: "415 to a manifest",
            profile: .distribution3.with { $0.ociRefusal = .refusal(415, "MANIFEST_INVALID", "media type unknown") }),
        Case(
            name: "400 `MANIFEST_INVALID` that speaks of the media type",
            profile: .distribution3.with {
                $0.ociRefusal = .refusal(400, "MANIFEST_INVALID", "unsupported manifest media type")
            }),
        Case(
            name: "400 `MANIFEST_INVALID`",
            profile: .distribution3.with { $0.ociRefusal = .refusal(400, "MANIFEST_INVALID", "manifest invalid") }),
        Case(
            name: "400 `MANIFEST_INVALID`, for the address of a layer",
            faults: manifest(.refusal(400, "MANIFEST_INVALID", "manifest invalid: invalid URL on layer"))),
        Case(
            name: "`MANIFEST_BLOB_UNKNOWN`, also with 500, for a layer that was not sent because of its type",
            faults: manifest(
                Answer(
                    500, headers: [("Content-Type", "application/json")],
                    #"{"errors":[{"code":"UNKNOWN","message":"unknown error"},"#
                        + #"{"code":"MANIFEST_BLOB_UNKNOWN","message":"blob unknown to registry","#
                        + #""detail":"\#(windowsBase.digest)"}]}"#)), hadElsewhere: windowsBase),
        Case(name: "413 to a manifest", faults: manifest(.refusal(413, "MANIFEST_INVALID", "exceeds maximum size"))),
        Case(
            name: "400 `MANIFEST_INVALID` for its size, from distribution",
            faults: manifest(.refusal(400, "MANIFEST_INVALID", "manifest invalid: http: request body too large"))),
        Case(name: "413 and a web page to a manifest", faults: manifest(.proxyPage(413, "Request Entity Too Large"))),
    ]

    struct Shown: Equatable {
        let code: String
        let message: String
        let advice: String
    }

    /// Pushes once, and returns what the job says then, with names in the place of what differs each time.
    private static func shown(_ wanted: Case) async throws -> Shown {
        try await TestRegistry.with(profile: wanted.profile, authentication: wanted.authentication) { registry in
            let recorder = Mutex<Shown?>(nil)
            for fault in wanted.faults(registry.address) { registry.faults.add(fault) }
            let credentials: any CredentialProvider = wanted.login ?? NoCredentials()
            try await Bench.with({ $0.retry.maximumFailures = 1 }, credentials: credentials) { bench in
                if wanted.isTagTaken {
                    try bench.image("app:0", layers: [try bench.builder.addLayer(size: 10, seed: 9)])
                    try await bench.publish("app:0", to: registry.address + "/team/app:1")
                }
                let elsewhere = wanted.hadElsewhere.map { [$0] } ?? []
                try bench.image("app:1", layers: elsewhere + [try bench.builder.addLayer(size: 90_000)])
                let id = try await bench.push("app:1", to: registry.address + "/team/app:1")
                let error = try #require(try await bench.settled(id).job.error)
                func neutral(_ text: String) -> String {
                    text.replacing(registry.address, with: "HOST")
                        .replacing(#/sha256:[0-9a-f]{64}|sha256:[0-9a-f]{12}…/#, with: "DIGEST")
                }
                let shown = Shown(
                    code: error.code, message: neutral(error.message), advice: neutral(error.advice ?? ""))
                recorder.withLock { $0 = shown }
            }
            return try #require(recorder.withLock { $0 })
        }
    }

    /// The rows of the section, by their first cell.
    private static func documented() throws -> [String: Shown] {
        let root = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let text = try String(contentsOf: URL(filePath: root + "/docs/errors.md"), encoding: .utf8)
        let section =
            try #require(text.split(separator: "\n## Who is wrong\n").last).split(separator: "\n## ").first ?? ""
        var rows: [String: Shown] = [:]
        for line in section.split(separator: "\n") {
            guard let row = line.wholeMatch(of: #/\| (.+?) \| `([a-z-]+)` \| `(.+)` \| (?:`(.+)`|—) \|/#) else {
                continue
            }
            #expect(rows[String(row.1)] == nil, "\(row.1) stands there twice")
            rows[String(row.1)] = Shown(
                code: String(row.2), message: String(row.3), advice: row.4.map(String.init) ?? "")
        }
        return rows
    }

    @Test("each answer has its own code, message and advice, as documented", arguments: cases)
    func each(_ wanted: Case) async throws {
        let shown = try await Self.shown(wanted)
        let advice = shown.advice.isEmpty ? "—" : "`\(shown.advice)`"
        let row = "| \(wanted.name) | `\(shown.code)` | `\(shown.message)` | \(advice) |"
        #expect(try Self.documented()[wanted.name] == shown, "the row should be: \(row)")
    }

    @Test("no row is without its case")
    func complete() throws {
        #expect(try Set(Self.documented().keys) == Set(Self.cases.map(\.name)))
    }
}
