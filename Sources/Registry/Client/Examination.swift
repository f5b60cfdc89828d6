/// One step of the way to a registry, for a person who looks for the cause of a failure.
public struct ExaminationStep: Sendable, Hashable {
    /// In the order in which they are done.
    public enum Kind: String, Sendable, CaseIterable {
        /// The host's address is looked up.
        case resolve
        case connect
        /// The server's certificate is checked. Left out over plain HTTP.
        case tls
        /// `/v2/` is answered in the way of a registry.
        case api
        /// A login is looked for on this machine.
        case login
        /// The login is shown, and a token is got where the registry wants one.
        case token
        /// An upload is opened, and given up at once.
        case push
    }

    public enum Outcome: Sendable, Hashable {
        case good
        /// It may be meant so.
        case doubtful
        case bad
    }

    public let kind: Kind
    public let outcome: Outcome
    /// What was found, or why it failed: one line.
    public internal(set) var text: String
    public let advice: String?
    public let time: Duration?

    init(_ kind: Kind, _ outcome: Outcome, _ text: String, advice: String? = nil, time: Duration? = nil) {
        self.kind = kind
        self.outcome = outcome
        self.text = text
        self.advice = advice
        self.time = time
    }

    init(_ kind: Kind, failed error: RegistryError, time: Duration? = nil) {
        self.init(kind, .bad, error.explanation, advice: error.advice, time: time)
    }
}
