/// The machine that an image is for.
///
/// Source: OCI image-spec 1.1, image-index.md, "platform"; spelling is normalised as containerd does it.
public struct Platform: Hashable, Sendable, Codable, CustomStringConvertible {
    public let os: String
    public let architecture: String
    public let variant: String?
    public let osVersion: String?

    enum CodingKeys: String, CodingKey {
        case os, architecture, variant
        case osVersion = "os.version"
    }

    public init(os: String, architecture: String, variant: String? = nil, osVersion: String? = nil) {
        self.os = os
        self.architecture = architecture
        self.variant = variant
        self.osVersion = osVersion
    }

    /// Lenient, for what images say of themselves: an absent part is empty.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        os = try values.decodeIfPresent(String.self, forKey: .os) ?? ""
        architecture = try values.decodeIfPresent(String.self, forKey: .architecture) ?? ""
        variant = try values.decodeIfPresent(String.self, forKey: .variant)
        osVersion = try values.decodeIfPresent(String.self, forKey: .osVersion)
    }

    /// Strict, for what a user typed: `OS/ARCH` or `OS/ARCH/VARIANT`.
    ///
    /// - Returns: nil for any other form.
    public init?(parsing text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard (2...3).contains(parts.count), parts.allSatisfy({ !$0.isEmpty && $0.utf8.count <= 64 }) else {
            return nil
        }
        self.init(os: parts[0], architecture: parts[1], variant: parts.count == 3 ? parts[2] : nil)
    }

    /// `linux/arm64/v8`, as it is written by the image.
    public var description: String {
        ([os, architecture] + (variant.map { $0.isEmpty ? [] : [$0] } ?? [])).joined(separator: "/")
    }

    /// Whether it says what machine it is.
    public var isNamed: Bool { !os.isEmpty && !architecture.isEmpty }

    /// How BuildKit marks an attestation in an index: no machine at all.
    public var isUnknown: Bool { os == "unknown" && architecture == "unknown" }

    /// One spelling for each machine: `linux/aarch64` and `linux/arm64/v8` are both `linux/arm64`.
    public var normalised: Platform {
        var os = os.lowercased()
        var architecture = architecture.lowercased()
        var variant = variant?.lowercased() ?? ""
        if os == "macos" { os = "darwin" }
        switch architecture {
        case "i386": (architecture, variant) = ("386", "")
        case "x86_64", "x86-64", "amd64": (architecture, variant) = ("amd64", variant == "v1" ? "" : variant)
        case "aarch64", "arm64":
            architecture = "arm64"
            switch variant {
            case "8", "v8", "v8.0": variant = ""
            case "9", "9.0", "v9.0": variant = "v9"
            default: break
            }
        case "armhf": (architecture, variant) = ("arm", "v7")
        case "armel": (architecture, variant) = ("arm", "v6")
        case "arm":
            if variant.isEmpty || variant == "7" { variant = "v7" }
            if ["5", "6", "8"].contains(variant) { variant = "v" + variant }
        default: break
        }
        return Platform(
            os: os, architecture: architecture, variant: variant.isEmpty ? nil : variant, osVersion: osVersion)
    }

    /// Whether an image for this platform is what a user meant by `wanted`; `os.version` counts only if asked for.
    public func matches(_ wanted: Platform) -> Bool {
        let (mine, theirs) = (normalised, wanted.normalised)
        return mine.os == theirs.os && mine.architecture == theirs.architecture && mine.variant == theirs.variant
            && (theirs.osVersion == nil || mine.osVersion == theirs.osVersion)
    }
}
