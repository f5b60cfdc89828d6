import CLinux
import Glibc
import HTTP
import Publisher
import Registry

/// What is well written and may not be meant: `pushd --check-config` shows it.
extension Configuration {
    /// - Parameter file: where the configuration was read from.
    func warnings(file: String) -> [String] {
        var warnings: [String] = []
        for directory in stores {
            warnings += Self.fault(of: directory, type: S_IFDIR).map { "stores: oci:\(directory) \($0)" }
        }
        for path in credentialFiles {
            warnings += Self.fault(of: path, type: S_IFREG).map { "credentials.files: \(path) \($0)" }
            if Self.isReadableByAll(path) {
                warnings.append("credentials.files: \(path) can be read by every user: chmod 600 \(path)")
            }
        }
        for (name, settings) in publisher.registries.sorted(by: { $0.key < $1.key }) {
            let files: [(String, [String?])] = [
                ("caFile", settings.tls.authorityFiles), ("clientCertificate", [settings.tls.clientCertificate]),
                ("clientKey", [settings.tls.clientKey]),
            ]
            for (key, paths) in files {
                for path in paths.compactMap({ $0 }) {
                    let place = "registries.\"\(name)\".\(key)"
                    warnings += Self.fault(of: path, type: S_IFREG).map { "\(place): \(path) \($0)" }
                }
            }
            if case .through(let proxy) = settings.proxy, proxy.name.hasLogin, Self.isReadableByAll(file) {
                warnings.append(
                    "registries.\"\(name)\".proxy: there is a password in it, and every user can read \(file): "
                        + "chmod 600 \(file)")
            }
        }
        return warnings
    }

    /// Why a file or directory can't be used now, if it can't.
    private static func fault(of path: String, type: mode_t) -> [String] {
        var status = stat()
        if stat(path, &status) != 0 { return ["can't be used yet: \(String(cString: strerror(errno)))"] }
        if status.st_mode & S_IFMT != type { return [type == S_IFDIR ? "is no directory" : "is no plain file"] }
        let wanted = type == S_IFDIR ? R_OK | X_OK : R_OK
        return linux_may_access(path, wanted) == 0 ? [] : ["can't be read: \(String(cString: strerror(errno)))"]
    }

    private static func isReadableByAll(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IROTH != 0
    }
}
