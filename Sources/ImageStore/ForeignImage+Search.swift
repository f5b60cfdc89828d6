internal import FoundationEssentials
internal import Glibc
internal import OCI

/// Looking whether another store of this machine has an image: only for what an error then says.
extension ForeignImage {
    /// Where engines listen, and where podman, buildah and CRI-O keep their lists of images.
    struct Places: Sendable {
        var docker: [String] = []
        var podman: [String] = []
        var storages: [String] = []

        /// Those of this machine, as far as pushd may see them.
        static var known: Places {
            func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
            let runtime = variable("XDG_RUNTIME_DIR")
            let data = variable("XDG_DATA_HOME") ?? variable("HOME").map { $0 + "/.local/share" }
            return Places(
                docker: ["/run/docker.sock"] + (runtime.map { [$0 + "/docker.sock"] } ?? []),
                podman: ["/run/podman/podman.sock"] + (runtime.map { [$0 + "/podman/podman.sock"] } ?? []),
                storages: ["/var/lib/containers/storage"] + (data.map { [$0 + "/containers/storage"] } ?? []))
        }
    }

    /// - Returns: the image in the first place that has it; nil where none has it, or none answers in time.
    static func look(for name: String, defaultTag: String, in places: Places = .known) async -> ForeignImage? {
        guard let wanted = try? ImageReference(parsing: name).withDefaultTag(defaultTag) else { return nil }
        // As the user wrote it, with its tag: engines find short names by rules of their own.
        let text =
            wanted.isQualified || wanted.tag == nil || name.hasSuffix(":" + (wanted.tag ?? ""))
            ? name : name + ":" + defaultTag
        return await FileWork.run(.quick) { _ in
            for socket in places.docker
            where EngineQuestion(socket: socket, path: "/images/\(text)/json").status == 200 {
                return ForeignImage(.docker, text)
            }
            for socket in places.podman
            where EngineQuestion(socket: socket, path: "/v4.0.0/libpod/images/\(text)/exists").status == 204 {
                return ForeignImage(.podman, text)
            }
            for storage in places.storages {
                if let full = self.name(like: wanted, text, inStorage: storage) { return ForeignImage(.podman, full) }
            }
            return nil
        }
    }

    /// The full name of the image in a store of `containers-storage`.
    ///
    /// Source: containers/storage, `images.go`: `DRIVER-images/images.json` lists images with their names.
    private static func name(like wanted: ImageReference, _ text: String, inStorage storage: String) -> String? {
        struct Image: Decodable { var names: [String]? }
        for driver in ["overlay", "vfs", "btrfs"] {
            let path = "\(storage)/\(driver)-images/images.json"
            guard let file = try? OpenFile.open(path, isDirectory: false), (try? file.status().isRegular) == true,
                let bytes = try? file.readAll(limit: 16 << 20), bytes.count <= 16 << 20,
                let images = try? JSONDecoder().decode([Image].self, from: Data(bytes))
            else { continue }
            for full in images.flatMap({ $0.names ?? [] }) {
                guard let reference = try? ImageReference(parsing: full), reference.tag == wanted.tag else { continue }
                if reference.name == wanted.name || !wanted.isQualified && full.hasSuffix("/" + text) { return full }
            }
        }
        return nil
    }
}

/// One short question to an engine on this machine. Connecting, sending and receiving block for half a second at most
/// each.
private struct EngineQuestion {
    let socket: String
    let path: String

    /// The status of the answer; nil where none came.
    var status: Int? {
        guard let answer = answer else { return nil }
        let parts = String(decoding: answer, as: UTF8.self).split(separator: " ")
        return parts.count > 1 && parts[0].hasPrefix("HTTP/") ? Int(parts[1]) : nil
    }

    /// The first bytes of the answer.
    private var answer: [UInt8]? {
        let descriptor = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var patience = timeval(tv_sec: 0, tv_usec: 500_000)
        let size = socklen_t(MemoryLayout<timeval>.size)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] { setsockopt(descriptor, SOL_SOCKET, option, &patience, size) }
        guard connect(descriptor) else { return nil }
        let request = Array("GET \(path) HTTP/1.0\r\nHost: localhost\r\n\r\n".utf8)
        guard send(descriptor, request, request.count, Int32(MSG_NOSIGNAL)) == request.count else { return nil }
        var answer = [UInt8](repeating: 0, count: 64)
        let count = recv(descriptor, &answer, answer.count, 0)
        return count > 12 ? Array(answer[..<count]) : nil
    }

    private func connect(_ descriptor: Int32) -> Bool {
        var address = sockaddr_un()
        let room = MemoryLayout.size(ofValue: address.sun_path)
        guard socket.utf8.count < room else { return false }
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: socket.utf8) }
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
    }
}
