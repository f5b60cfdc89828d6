import HTTP
import OCI
import Testing

@testable import Registry

@Suite("What a registry's answer means")
struct ClassificationTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let status: Int
        var code: String?
        var message = ""
        var page: String?
        var operation = Attempt.Operation.upload
        let cause: RegistryError.Cause
        let disposition: RegistryError.Disposition

        init(
            _ status: Int, _ code: String? = nil, _ message: String = "", page: String? = nil,
            to operation: Attempt.Operation = .upload, is cause: RegistryError.Cause,
            _ disposition: RegistryError.Disposition
        ) {
            self.status = status
            self.code = code
            self.message = message
            self.page = page
            self.operation = operation
            self.cause = cause
            self.disposition = disposition
        }

        var testDescription: String { "\(status) \(code ?? page ?? "") \(message) to \(operation)" }

        func response() throws -> HTTPResponse {
            var response = HTTPResponse(status: status, url: try HTTPURL(parsing: "https://registry.test/v2/"))
            if let page {
                response.headers = ["Content-Type": "text/html"]
                response.body = Array("<html><head><title>\(page)</title></head></html>".utf8)
            } else if let code {
                response.headers = ["Content-Type": "application/json"]
                response.body = Array(
                    #"{"errors":[{"code":"\#(code)","message":"\#(message)","detail":{"a":[1]}}]}"#.utf8)
            } else {
                response.headers = ["Content-Type": "text/plain", "Docker-Distribution-Api-Version": "registry/2.0"]
                response.body = Array(message.utf8)
            }
            return response
        }
    }

    static let rows: [Row] = [
        // Rights.
        Row(401, "UNAUTHORIZED", is: .loginRejected, .waitForPerson),
        Row(403, "DENIED", "requested access to the resource is denied", is: .denied, .waitForPerson),
        Row(403, "DENIED", "Your authorization token has expired. Reauthenticate", is: .loginRejected, .waitForPerson),
        Row(400, "DENIED", "no", is: .denied, .waitForPerson),
        Row(405, "DENIED", "namespace is disabled", is: .denied, .waitForPerson),
        // Codes.
        Row(404, "NAME_UNKNOWN", to: .startUpload, is: .repositoryMissing, .waitForPerson),
        Row(404, "NOT_FOUND", "project team not found", to: .startUpload, is: .repositoryMissing, .waitForPerson),
        Row(404, "NAME_UNKNOWN", to: .putTag, is: .repositoryMissing, .waitForPerson),
        Row(404, "NAME_UNKNOWN", to: .readManifest, is: .contentMissing, .fail),
        Row(400, "NAME_INVALID", to: .startUpload, is: .nameRefused, .fail),
        Row(400, "TAG_INVALID", to: .putTag, is: .tagRefused, .fail),
        Row(400, "TAG_INVALID", "tag is immutable", to: .putTag, is: .tagConflict(existing: nil), .fail),
        Row(409, "TAG_ALREADY_EXISTS", to: .putTag, is: .tagConflict(existing: nil), .fail),
        Row(412, "PRECONDITION", "matched immutable rule", to: .putTag, is: .tagConflict(existing: nil), .fail),
        Row(
            400, "BLOB_UPLOAD_INVALID", "Repository does not allow updating assets: docker", to: .putTag,
            is: .tagConflict(existing: nil), .fail),
        Row(403, "DENIED", "tag already exists and is immutable", to: .putTag, is: .tagConflict(existing: nil), .fail),
        Row(405, "UNSUPPORTED", "tag is immutable", to: .putTag, is: .tagConflict(existing: nil), .fail),
        Row(405, "DENIED", "cannot be overwritten", to: .putTag, is: .tagConflict(existing: nil), .fail),
        Row(400, "MANIFEST_INVALID", to: .putTag, is: .manifestRefused, .fail),
        Row(400, "DIGEST_INVALID", to: .putManifest, is: .manifestRefused, .fail),
        Row(413, "MANIFEST_INVALID", "exceeds maximum size", to: .putTag, is: .manifestTooLarge, .fail),
        Row(400, "MANIFEST_BLOB_UNKNOWN", to: .putManifest, is: .referencesMissing, .retry),
        Row(404, "MANIFEST_BLOB_UNKNOWN", to: .putTag, is: .referencesMissing, .retry),
        Row(404, "BLOB_UNKNOWN", to: .putTag, is: .referencesMissing, .retry),
        Row(404, "BLOB_UNKNOWN", to: .upload, is: .contentMissing, .fail),
        Row(404, "BLOB_UPLOAD_INVALID", is: .uploadLost, .retry),
        Row(404, "BLOB_UPLOAD_UNKNOWN", is: .uploadLost, .retry),
        Row(400, "BLOB_UPLOAD_INVALID", is: .uploadRefused, .retry),
        Row(416, "BLOB_UPLOAD_INVALID", is: .offsetRefused, .retry),
        Row(416, "RANGE_INVALID", is: .offsetRefused, .retry),
        Row(400, "DIGEST_INVALID", is: .contentRefused, .retry), Row(400, "SIZE_INVALID", is: .contentRefused, .retry),
        Row(405, "UNSUPPORTED", to: .startUpload, is: .pushUnsupported, .fail),
        Row(400, "UNSUPPORTED", to: .startUpload, is: .pushUnsupported, .fail),
        Row(405, "DENIED", "registry is in read-only mode", to: .startUpload, is: .readOnly, .retryRegistry),
        Row(403, "DENIED", "The system is in read only mode.", to: .startUpload, is: .readOnly, .retryRegistry),
        Row(403, "DENIED", "adding 5 GiB will exceed the configured upper limit", is: .quotaExceeded, .waitForPerson),
        Row(403, "DENIED", "Quota has been exceeded on namespace", is: .quotaExceeded, .waitForPerson),
        Row(507, is: .quotaExceeded, .waitForPerson), Row(402, is: .quotaExceeded, .waitForPerson),
        Row(
            403, "DENIED", "permission_denied: You have exceeded a secondary rate limit. Please wait a few minutes",
            is: .rateLimited, .retryRegistry),
        // A status that the code never goes with.
        Row(500, "MANIFEST_BLOB_UNKNOWN", to: .putTag, is: .referencesMissing, .retry),
        Row(500, "MANIFEST_INVALID", to: .putTag, is: .manifestRefused, .fail),
        Row(500, "NAME_INVALID", to: .startUpload, is: .nameRefused, .fail),
        Row(404, "NAME_INVALID", to: .startUpload, is: .nameRefused, .fail),
        Row(404, "MANIFEST_INVALID", to: .putTag, is: .manifestRefused, .fail),
        Row(503, "TOOMANYREQUESTS", to: .readManifest, is: .rateLimited, .retryRegistry),
        Row(500, "DENIED", to: .startUpload, is: .denied, .waitForPerson),
        Row(500, "BLOB_UPLOAD_UNKNOWN", is: .uploadLost, .retry),
        Row(500, "MANIFEST_UNKNOWN", to: .readManifest, is: .serverError, .retry),
        Row(500, "UNAUTHORIZED", to: .startUpload, is: .serverError, .retry),
        Row(500, "OWN_CODE", to: .putTag, is: .serverError, .retry),
        // The status is about the time or a gateway: the code in the body does not count.
        Row(429, "DENIED", to: .startUpload, is: .rateLimited, .retryRegistry),
        Row(429, "UNSUPPORTED", to: .putTag, is: .rateLimited, .retryRegistry),
        Row(503, "DENIED", to: .startUpload, is: .unavailable, .retryRegistry),
        Row(502, "NAME_UNKNOWN", to: .startUpload, is: .unavailable, .retryRegistry),
        Row(504, "MANIFEST_INVALID", to: .putTag, is: .unavailable, .retryRegistry),
        // The status alone, and answers of others.
        Row(404, page: "404 Not Found", to: .startUpload, is: .notARegistry, .retry),
        Row(413, page: "413 Request Entity Too Large", is: .bodyTooLarge, .fail),
        Row(429, "TOOMANYREQUESTS", is: .rateLimited, .retryRegistry), Row(429, is: .rateLimited, .retryRegistry),
        Row(400, "TOOMANYREQUESTS", is: .rateLimited, .retryRegistry),
        Row(500, "UNKNOWN", "internal server error", is: .serverError, .retry),
        Row(502, page: "502 Bad Gateway", is: .unavailable, .retryRegistry),
        Row(503, "UNAVAILABLE", is: .unavailable, .retryRegistry),
        Row(504, page: "504 Gateway Time-out", is: .unavailable, .retryRegistry),
        Row(522, page: "522: Connection timed out", is: .unavailable, .retryRegistry),
        Row(408, is: .timedOut(reason: "the registry gave up waiting: HTTP status 408"), .retry),
        Row(425, is: .timedOut(reason: "the registry gave up waiting: HTTP status 425"), .retry),
        Row(501, to: .startUpload, is: .pushUnsupported, .fail),
        Row(415, to: .putTag, is: .mediaTypeUnsupported, .fail),
        Row(400, "MANIFEST_INVALID", "http: request body too large", to: .putManifest, is: .manifestTooLarge, .fail),
        Row(400, "MANIFEST_INVALID", "unsupported manifest media type", to: .putTag, is: .mediaTypeUnsupported, .fail),
        Row(413, page: "413 Request Entity Too Large", to: .putTag, is: .bodyTooLarge, .fail),
        Row(411, is: .requestRefused, .fail), Row(409, "CONFLICT", is: .serverError, .retry),
        Row(400, "", "Client sent an HTTP request to an HTTPS server.", is: .wantsTLS, .waitForPerson),
        Row(400, page: "400 The plain HTTP request was sent to HTTPS port", is: .wantsTLS, .waitForPerson),
        Row(400, page: "400 No required SSL certificate was sent", is: .clientCertificateWanted, .waitForPerson),
        Row(200, page: "Welcome", is: .notARegistry, .retry),
        Row(511, page: "Log in to the network", is: .notARegistry, .retry),
        Row(302, is: .redirectRefused(reason: "HTTP status 302"), .retry),
    ]

    @Test("is decided by status, code and words, in this order", arguments: rows)
    func isDecided(_ row: Row) throws {
        let attempt = Attempt(row.operation, "do that", at: "registry.test", repository: "team/app")
        let error = attempt.error(ServerAnswer(try row.response()))
        #expect(error.cause == row.cause)
        #expect(error.disposition == row.disposition)
        #expect(error.status == row.status)
        #expect(!error.code.isEmpty)
        #expect(error.description.hasPrefix("cannot do that at registry.test: "))
        if error.disposition == .waitForPerson { #expect(error.advice != nil, "a person must be told what to do") }
    }

    @Test(
        "of several errors the most specific one decides, in any order",
        arguments: [
            (500, ["UNKNOWN", "UNKNOWN", "MANIFEST_BLOB_UNKNOWN"], .referencesMissing),
            (400, ["MANIFEST_INVALID", "MANIFEST_BLOB_UNKNOWN"], .referencesMissing),
            (400, ["DIGEST_INVALID", "MANIFEST_BLOB_UNKNOWN"], .referencesMissing),
            (400, ["UNKNOWN", "TAG_INVALID"], .tagRefused), (401, ["UNAUTHORIZED", "NAME_INVALID"], .nameRefused),
            (403, ["DENIED", "TOOMANYREQUESTS"], .rateLimited),
            (404, ["OWN_CODE", "NAME_UNKNOWN"], .repositoryMissing),
            (500, ["UNKNOWN", "UNAVAILABLE"], .serverError),
        ] as [(Int, [String], RegistryError.Cause)])
    func severalErrors(_ status: Int, _ codes: [String], _ cause: RegistryError.Cause) throws {
        for codes in [codes, codes.reversed()] {
            let entries = codes.map { #"{"code":"\#($0)","message":"m"}"# }.joined(separator: ",")
            let answer = try ServerAnswerTests.answer(#"{"errors":[\#(entries)]}"#, status: status)
            let error = Attempt(.putTag, "put", at: "registry.test", repository: "team/app").error(answer)
            #expect(error.cause == cause, "\(codes)")
        }
    }

    private static let proxy = ProxyName(
        address: "proxy.test:3128", source: .environment("https_proxy"), hasLogin: false)

    @Test("a proxy's trouble says where its address stands, and how to get past it")
    func proxyAdvice() throws {
        let url = try HTTPURL(parsing: "https://registry.test/v2/")
        let attempt = Attempt(.upload, "do that", at: "registry.test", repository: nil)
        func advice(_ cause: HTTPError.Cause) throws -> String {
            try #require(attempt.error(HTTPError(cause: cause, url: url)).advice)
        }
        let configured = ProxyName(
            address: "proxy.test:3128", source: .configuration("registries.\"registry.test\".proxy"), hasLogin: true)
        for (name, place) in [
            (Self.proxy, "https_proxy in the environment of pushd"),
            (configured, "registries.\"registry.test\".proxy in pushd.json5"),
        ] {
            for cause in [
                HTTPError.Cause.proxyUnknown(name), .proxyUnreachable(name, reason: "a"),
                .proxyFailed(name, reason: "a"), .proxyLogin(name),
            ] { #expect(try advice(cause).contains(place)) }
        }
        #expect(try advice(.proxyLogin(Self.proxy)).contains("http://USER:PASSWORD@proxy.test:3128"))
        #expect(try advice(.proxyLogin(configured)).hasPrefix("correct user and password in"))
        #expect(try advice(.proxyForbids(Self.proxy)).contains("add its host to no_proxy"))
        #expect(
            try advice(.proxyForbids(configured)).contains("set registries.\"registry.test\".proxy to \"none\""))
        // On the way to the token server it is the proxy's trouble too.
        let failed = HTTPError(cause: .proxyLogin(Self.proxy), url: url)
        let error = attempt.error(AuthenticationError(.tokenServerUnreachable(failed), registry: "registry.test"))
        #expect(error.cause == .proxyLogin(Self.proxy) && error.disposition == .waitForPerson)
        #expect(error.description.contains("the proxy proxy.test:3128 wants a login"))
    }

    @Test(
        "the lack of one means",
        arguments: [
            (.refused, "registry-unreachable", .retryRegistry),
            (.connectTimedOut, "registry-unreachable", .retryRegistry),
            (.unresolvable(host: "a"), "host-unknown", .retryRegistry),
            (.resolverFailed(host: "a"), "resolver-failed", .retryRegistry), (.responseTimedOut, "timed-out", .retry),
            (.stalled(seconds: 60), "timed-out", .retry), (.connectionBroken(reason: "a"), "connection-broken", .retry),
            (.tlsUnknownAuthority, "certificate-untrusted", .waitForPerson),
            (.tlsExpired, "certificate-expired", .waitForPerson),
            (.tlsNotYetValid, "certificate-not-yet-valid", .retryRegistry),
            (.tlsWrongHost, "certificate-for-other-host", .waitForPerson),
            (.tlsPlainHTTPServer, "plain-http", .waitForPerson), (.tls(reason: "a"), "tls-failed", .retryRegistry),
            (.proxyUnknown(proxy), "proxy-unknown", .retryRegistry),
            (.proxyUnreachable(proxy, reason: "a"), "proxy-unreachable", .retryRegistry),
            (.proxyLogin(proxy), "proxy-login", .waitForPerson),
            (.proxyForbids(proxy), "proxy-forbids", .waitForPerson),
            (.proxyFailed(proxy, reason: "a"), "proxy-failed", .retryRegistry),
            (.responseTooLarge(limit: 5), "protocol-violation", .retry),
            (.localRead(path: "/a", errno: 2), "file-unreadable", .waitForFile),
            (.localRead(path: "/a", errno: 24), "file-unreadable", .retry),
            (.localFileChanged(path: "/a"), "file-changed", .waitForFile),
        ] as [(HTTPError.Cause, String, RegistryError.Disposition)])
    func noAnswer(_ cause: HTTPError.Cause, _ code: String, _ disposition: RegistryError.Disposition) throws {
        let url = try HTTPURL(parsing: "https://registry.test/v2/")
        let attempt = Attempt(.upload, "do that", at: "registry.test", repository: nil)
        let error = attempt.error(HTTPError(cause: cause, url: url))
        #expect(error.code == code)
        #expect(error.disposition == disposition)
    }

    @Test("that a mere question got is the registry's trouble, not one job's")
    func unansweredQuestion() throws {
        let url = try HTTPURL(parsing: "https://registry.test/v2/")
        for cause in [HTTPError.Cause.connectionBroken(reason: "a"), .responseTimedOut, .stalled(seconds: 60)] {
            for operation in [Attempt.Operation.readManifest, .readBlob, .startUpload, .mount] {
                let attempt = Attempt(operation, "do that", at: "registry.test", repository: nil)
                #expect(attempt.error(HTTPError(cause: cause, url: url)).disposition == .retryRegistry)
            }
        }
    }

    @Test("a login's trouble keeps its own words and advice")
    func authentication() {
        let attempt = Attempt(.startUpload, "open an upload in team/app", at: "registry.test", repository: "team/app")
        let login = AuthenticationError(
            .accessRefused(user: "ann", origin: "/etc/auth.json", granted: nil), registry: "registry.test")
        let error = attempt.error(login)
        #expect(error.cause == .denied)
        #expect(error.description.contains("ann from /etc/auth.json"))
        #expect(error.advice == login.advice)
        #expect(
            attempt.error(AuthenticationError(.tokenServerBusy(status: 503), registry: "a")).disposition
                == .retryRegistry)
    }

    @Test(
        "where people push most, the advice is the place's own",
        arguments: [
            ("docker.io", "library/app", "docker.io/USER/app"), ("docker.io", "other/app", "belong to other"),
            ("123456789012.dkr.ecr.eu-west-1.amazonaws.com", "team/app", "--region eu-west-1"),
            ("public.ecr.aws", "x/app", "ecr-public"), ("europe-docker.pkg.dev", "p/r/app", "artifactregistry.writer"),
            ("ghcr.io", "org/app", "write:packages"),
        ])
    func hostAdvice(_ host: String, _ repository: String, _ words: String) {
        let attempt = Attempt(.startUpload, "open an upload", at: host, repository: repository)
        #expect(attempt.error(.denied).advice?.contains(words) == true)
    }

    @Test("where a limit counts by login, the advice is a login; elsewhere only waiting helps")
    func rateLimits() {
        func advice(_ host: String) -> String? {
            Attempt(.readManifest, "read", at: host, repository: "team/app").error(.rateLimited).advice
        }
        #expect(advice("docker.io")?.contains("pushctl login docker.io") == true)
        for host in ["ghcr.io", "public.ecr.aws", "europe-docker.pkg.dev", "registry.test"] {
            #expect(advice(host) == nil)
        }
    }

    @Test("a manifest that is refused in one format is advised in the other")
    func formats() {
        func advice(_ type: MediaType, _ cause: RegistryError.Cause) -> String? {
            var attempt = Attempt(.putTag, "put", at: "registry.test:5000", repository: "team/app")
            attempt.mediaType = type
            return attempt.error(cause).advice
        }
        #expect(advice(.ociIndex, .mediaTypeUnsupported)?.contains("pushctl push --format docker") == true)
        #expect(advice(.dockerManifest, .mediaTypeUnsupported)?.contains("--format oci") == true)
        #expect(advice(.ociManifest, .manifestRefused)?.contains("--format docker") == true)
        #expect(advice(.dockerManifest, .manifestRefused)?.contains("--format") == false)
    }
}
