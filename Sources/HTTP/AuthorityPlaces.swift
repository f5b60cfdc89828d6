/// Where the certificate authorities are that are trusted everywhere: those of the system, or what an environment
/// names in their place. Pure: nothing is read but what is handed over.
///
/// `SSL_CERT_FILE` takes the place of the system's file, `SSL_CERT_DIR` that of its directories, several of them
/// separated by colons. With the file alone the system's authorities are trusted besides, as they are in the
/// directories too.
///
/// Source: Go's crypto/x509, root_unix.go; OpenSSL's X509_get_default_cert_file_env(3).
public struct AuthorityPlaces: Hashable, Sendable {
    /// `SSL_CERT_FILE`.
    public let file: String?
    /// `SSL_CERT_DIR`.
    public let directories: [String]

    /// The system's own.
    public init() {
        file = nil
        directories = []
    }

    /// An empty variable is none.
    public init(environment: [String: String]) {
        file = environment["SSL_CERT_FILE"].flatMap { $0.isEmpty ? nil : $0 }
        directories = (environment["SSL_CERT_DIR"] ?? "").split(separator: ":").map(String.init)
    }

    /// Whether the system's file counts.
    var includesSystem: Bool { file == nil || directories.isEmpty }

    /// The variables as they are set, for people; nil where none is.
    public var description: String? {
        let parts =
            (file.map { ["SSL_CERT_FILE=\($0)"] } ?? [])
            + (directories.isEmpty ? [] : ["SSL_CERT_DIR=\(directories.joined(separator: ":"))"])
        return parts.isEmpty ? nil : shortened(parts.joined(separator: ", "), to: 300)
    }
}
