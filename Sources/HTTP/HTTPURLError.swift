/// Why a text is no address that can be used.
public struct HTTPURLError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Reason: Hashable, Sendable {
        case tooLong, forbiddenCharacter, schemeNotHTTP, hostMissing, badHost, badPort, userInformation
    }

    public let reason: Reason
    /// The text up to its query, user information left out, control characters replaced, at most 200 characters.
    public let text: String

    init(text: String, reason: Reason) {
        self.reason = reason
        let scalars = text.unicodeScalars.prefix { $0 != "?" && $0 != "#" }.prefix(2048)
            .map { (0x20...0x7E).contains($0.value) ? Character($0) : "\u{FFFD}" }
        var shown = String(scalars)[...]
        if let at = shown.lastIndex(of: "@") { shown = "…" + shown[at...] }
        self.text = shortened(shown, to: 200)
    }

    public var description: String { "not a usable address: \"\(text)\" \(why)" }

    private var why: String {
        switch reason {
        case .tooLong: "is longer than \(HTTPURL.maximumLength) bytes"
        case .forbiddenCharacter: "has spaces, control characters or characters outside ASCII"
        case .schemeNotHTTP: "starts with neither http:// nor https://"
        case .hostMissing: "has no host name"
        case .badHost: "has a host that is neither a name nor an IP address"
        case .badPort: "has a port that is not a number from 1 to 65535"
        case .userInformation: "has a user name or password in it; credentials belong into the credential file"
        }
    }
}
