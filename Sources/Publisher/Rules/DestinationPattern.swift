public import OCI

/// Repositories that a member may use the daemon's own logins for: `registry.example/ci/**`.
///
/// It is compared with the destination in its normal form, after aliases: host and port, a slash, the repository. A tag
/// has no part in it.
public struct DestinationPattern: Sendable, Hashable, CustomStringConvertible {
    /// The registry in its normal form, where it is no pattern itself.
    public let description: String
    private let glob: Glob

    /// Why a text is no such pattern.
    public struct Fault: Error, Sendable, CustomStringConvertible {
        public let description: String
    }

    /// - Parameter names: how registries are called.
    /// - Throws: ``Fault``.
    public init(_ text: String, names: RegistryNames = RegistryNames()) throws(Fault) {
        guard let slash = text.firstIndex(of: "/"), slash > text.startIndex, text.index(after: slash) < text.endIndex
        else {
            guard text == "**" else {
                throw Fault(
                    description: "HOST/REPOSITORY with * or ** in it is wanted, such as \"registry.example/ci/**\"")
            }
            (description, glob) = (text, Glob.everything)
            return
        }
        let (host, path) = (String(text[..<slash]), text[slash...])
        guard !path.utf8.contains(where: { $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: "@") }) else {
            throw Fault(description: "it names repositories, without a tag or a digest")
        }
        var normal = text
        if !host.contains(where: { "*?".contains($0) }) {
            guard let reference = try? ImageReference(parsing: host + "/x/y"), reference.path == "x/y" else {
                throw Fault(description: "\"\(host.prefix(60))\" is not a registry, HOST or HOST:PORT")
            }
            normal = names.name(of: reference.domain) + path
        }
        guard let glob = Glob(normal) else { throw Fault(description: "it has more than 512 bytes") }
        (description, self.glob) = (normal, glob)
    }

    func matches(_ destination: ImageReference) -> Bool { glob.matches(destination.domain + "/" + destination.path) }

    /// Whether every repository of a registry fits.
    func covers(registry: String) -> Bool {
        guard description.hasSuffix("/**") || description == "**" else { return false }
        return description == "**" || Glob(String(description.dropLast(3)))?.matches(registry) == true
    }
}

extension Glob {
    /// `**`.
    fileprivate static let everything = Glob("**")!  // neither empty nor long
}
