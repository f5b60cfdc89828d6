/// Who answers, for `org.varlink.service.GetInfo`.
public struct ServiceInfo: Sendable {
    public var vendor: String
    public var product: String
    public var version: String
    public var url: String

    public init(vendor: String = "pushd", product: String = "pushd", version: String, url: String = "") {
        self.vendor = vendor
        self.product = product
        self.version = version
        self.url = url
    }
}

/// `org.varlink.service.GetInfo`: what every Varlink service tells of itself.
///
/// Source: varlink.org, "Service".
public enum GetInfo: Method {
    public static let name = "org.varlink.service.GetInfo"

    public struct Input: Parameters {
        public enum CodingKeys: CodingKey, CaseIterable {}

        public init() {}
    }

    public struct Output: Codable, Sendable, Equatable {
        public var vendor: String
        public var product: String
        public var version: String
        public var url: String
        public var interfaces: [String]
    }
}

/// `org.varlink.service.GetInterfaceDescription`: an interface in Varlink's own language.
///
/// Source: varlink.org, "Service".
enum GetInterfaceDescription: Method {
    static let name = "org.varlink.service.GetInterfaceDescription"

    struct Input: Parameters {
        var interface: String

        enum CodingKeys: CodingKey, CaseIterable { case interface }
    }

    struct Output: Codable, Sendable, Equatable {
        var description: String
    }
}
