internal import HTTP

/// Where an answer sends a request to, decided by hand: libcurl would repeat bodies and headers where it must not.
///
/// Source: RFC 9110, 15.4; the distribution API's registries redirect reads of blobs to storage, and some uploads.
struct Redirects: Sendable {
    enum Step: Equatable {
        /// The answer is no redirect.
        case none
        case follow(HTTPURL)
        case refuse(reason: String)
    }

    static let limit = 10

    private let method: HTTPMethod
    /// What was spoken first: TLS is never left.
    private let scheme: HTTPURL.Scheme
    private var followed = 0

    init(method: HTTPMethod, scheme: HTTPURL.Scheme) {
        self.method = method
        self.scheme = scheme
    }

    mutating func next(after response: HTTPResponse) -> Step {
        guard [301, 302, 303, 307, 308].contains(response.status) else { return .none }
        guard let location = response.headers["Location"] else { return .refuse(reason: "it names no address") }
        let url: HTTPURL
        do { url = try response.url.resolving(location) } catch {
            // What another server says is not repeated.
            let isElsewhere = response.redirectedFrom != nil
            return .refuse(reason: isElsewhere ? "it names no address that can be used" : error.description)
        }
        guard followed < Self.limit else { return .refuse(reason: "more than \(Self.limit) in a row") }
        guard url.scheme == .https || (scheme == .http && response.url.scheme == .http) else {
            return .refuse(reason: "it leads from HTTPS to plain HTTP at \(url.origin)")
        }
        followed += 1
        if method == .get || method == .head { return .follow(url) }
        switch response.status {
        case 307, 308: return .follow(url)
        // Browsers turn these into GET, which would lose what is sent. A missing slash keeps the origin.
        case 301 where url.origin == response.url.origin, 302 where url.origin == response.url.origin:
            return .follow(url)
        case 303: return .refuse(reason: "it asks for a GET at \(url.origin)")
        default: return .refuse(reason: "it leads to \(url.origin) without saying that the method stays")
        }
    }
}
