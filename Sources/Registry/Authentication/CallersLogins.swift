internal import OCI

/// The logins in files that a client of the daemon has sent, to be used in place of the daemon's own.
///
/// Helpers that such a file names are the caller's programs, and never run.
public struct CallersLogins: Sendable {
    /// Why none of them can be used.
    public enum Failure: Error, Sendable, Equatable {
        case missing
        /// A program keeps it, which only the caller can run.
        case keptByHelper(name: String, path: String)
        case unreadable(path: String, reason: String)
    }

    private let files: [(path: String, content: CredentialFile)]

    /// - Parameter files: in the order in which they count; of `config.json`'s and `auth.json`'s form.
    /// - Throws: ``Failure/unreadable(path:reason:)``.
    public init(files: [(path: String, content: [UInt8])]) throws(Failure) {
        var read: [(path: String, content: CredentialFile)] = []
        for file in files {
            do { read.append((file.path, try CredentialFile(json: file.content, format: .current))) } catch {
                throw .unreadable(path: file.path, reason: error.reason)
            }
        }
        self.files = read
    }

    /// The login for a repository.
    public func login(registry: String, repository: String) throws(Failure) -> FoundCredential {
        let keys = CredentialKeys(registry: registry, repository: repository)
        for (path, content) in files {
            switch content.answer(for: keys) {
            case nil: continue
            case .login(let login, let key):
                return FoundCredential(
                    credential: login.credential, fallback: login.fallback,
                    origin: "the caller's \(path) (entry \"\(key)\")")
            case .helper(let name, _, _): throw .keptByHelper(name: String(name.prefix(100)), path: path)
            case .malformed(let key, let reason):
                throw .unreadable(path: path, reason: "entry \"\(key)\": \(reason)")
            }
        }
        throw .missing
    }
}
