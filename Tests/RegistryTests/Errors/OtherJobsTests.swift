import HTTP
import OCI
import Testing

@testable import Registry

@Suite("What other jobs learn of a failure")
struct OtherJobsTests {
    private func failure(_ cause: RegistryError.Cause) throws -> RegistryError {
        var response = HTTPResponse(status: 503, url: try HTTPURL(parsing: "https://registry.test/v2/"))
        response.headers = ["Content-Type": "application/json", "X-Request-Id": "r-1"]
        response.body = Array(#"{"errors":[{"code":"UNAVAILABLE","message":"secret/one is away"}]}"#.utf8)
        let attempt = Attempt(
            .upload, "upload blob sha256:0000 to secret/one", at: "registry.test", repository: "secret/one")
        return attempt.error(ServerAnswer(response)).with(cause)
    }

    @Test(
        "is the cause alone, without repository, request or the registry's words",
        arguments: [
            .hostUnknown, .resolverFailed, .unreachable(reason: "refused"), .connectionBroken(reason: "reset"),
            .timedOut(reason: "no answer"), .certificateNotYetValid, .tlsFailed(reason: "handshake"),
            .tokenServerDown, .loginHelperFailed, .rateLimited, .unavailable, .readOnly,
        ] as [RegistryError.Cause])
    func reason(cause: RegistryError.Cause) throws {
        let error = try failure(cause)
        #expect(error.description.contains("secret/one is away"), "it would be seen")
        #expect(!error.reason.contains("secret") && !error.reason.contains("r-1"), "\(error.reason)")
        #expect(error.reason.hasSuffix("(HTTP status 503)"))
    }

    @Test("names the blob that they waited for, and their own repository")
    func met() throws {
        let blob = Digest(of: Array("x".utf8))
        let error = try failure(.unavailable).met(waitingFor: blob, in: "other/two")
        #expect(
            error.description
                == "cannot bring blob \(blob.shortened) to other/two at registry.test: it is not available "
                + "(HTTP status 503, UNAVAILABLE)")
        #expect(error.repository == "other/two" && error.digest == blob)
        #expect(error.disposition == .retryRegistry && error.code == "registry-unavailable")
    }
}
