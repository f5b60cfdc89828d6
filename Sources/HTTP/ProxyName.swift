/// A proxy as errors name it: its host and port, and where it was set; nothing of its login.
public struct ProxyName: Hashable, Sendable, CustomStringConvertible {
    /// `proxy.example:3128`.
    public let address: String
    public let source: Proxy.Source
    /// Whether a user, and perhaps a password, were given for it.
    public let hasLogin: Bool

    public init(address: String, source: Proxy.Source, hasLogin: Bool) {
        self.address = address
        self.source = source
        self.hasLogin = hasLogin
    }

    public var description: String { address }
}

/// An address of a proxy that can't be used. Nothing of the address stands in it.
public struct ProxyError: Error, Hashable, Sendable, CustomStringConvertible {
    public let source: Proxy.Source
    public let reason: String

    public var description: String { "\(source): \(reason)" }
}

extension Proxy.Source: CustomStringConvertible {
    /// The variable or key alone.
    public var description: String {
        switch self {
        case .environment(let variable): variable
        case .configuration(let key): key
        }
    }

    /// Where it is, for people.
    public var place: String {
        switch self {
        case .environment(let variable): "\(variable) in the environment of pushd"
        case .configuration(let key): "\(key) in pushd.json5"
        }
    }
}
