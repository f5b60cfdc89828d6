internal import CCurl
internal import Glibc
internal import System

/// The files of certificate authorities that libcurl is given: the system's, or the system's and another one's.
///
/// libcurl takes one file. A combination is a file in memory, so that libcurl can share its parsed form between
/// connections, which it doesn't for certificates given as bytes.
final class TrustStore {
    private struct Combination {
        let stamps: [Stamp]
        let descriptor: Int32
    }

    /// Tells a changed file from the one that was read.
    private struct Stamp: Equatable {
        let device: UInt64
        let inode: UInt64
        let size: Int64
        let seconds: Int
        let nanoseconds: Int
    }

    /// Larger than any collection of authorities (the usual ones have 0.2 MB).
    private static let maximumSize: Int64 = 8 << 20

    private var combinations: [[String]: Combination] = [:]
    /// Descriptors are closed only with the client: libcurl remembers certificates by the file's name.
    private var descriptors: [Int32] = []

    private let places: AuthorityPlaces
    /// The files of the directories, and when they were looked for.
    private var listed: (files: [String], at: ContinuousClock.Instant)?
    private static let listInterval = Duration.seconds(1)

    init(_ places: AuthorityPlaces) { self.places = places }

    deinit { for descriptor in descriptors { close(descriptor) } }

    /// The system's file, as libcurl was built with or where distributions have it; nil if there is none.
    static let systemFile: String? = {
        var known = [
            "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
        ]
        if let built = pushd_authorities() {
            known.insert(String(cString: built), at: 0)
        }
        return known.first { access($0, R_OK) == 0 }
    }()

    /// The file to trust.
    ///
    /// - Parameter extra: files of PEM certificates trusted besides; read again after one has changed.
    /// - Returns: nil if there is nothing to trust.
    /// - Throws: ``TransferFailure`` with `localRead`, or `tls` if one of `extra` holds no certificate.
    func file(adding extra: [String]) throws(TransferFailure) -> String? {
        if extra.isEmpty, places == AuthorityPlaces() { return Self.systemFile }
        let usual = usualFiles(now: .now)
        if extra.isEmpty, usual.isEmpty { return nil }
        var stamps: [Stamp] = []
        for path in extra { stamps.append(try Self.stamp(of: path)) }
        let usualStamps = usual.compactMap { try? Self.stamp(of: $0) }
        stamps += usualStamps
        if let known = combinations[extra], known.stamps == stamps { return Self.name(of: known.descriptor) }

        var contents: [UInt8] = []
        for path in extra {
            let part = try Self.read(path)
            guard Self.holdsCertificate(part) else {
                throw TransferFailure(cause: .tls(reason: "\(path) holds no certificate in PEM form"))
            }
            contents += part + [UInt8(ascii: "\n")]
        }
        contents += Self.readUsual(usual)
        guard !contents.isEmpty else { return nil }
        let descriptor = try Self.memoryFile(contents)
        descriptors.append(descriptor)
        combinations[extra] = Combination(stamps: stamps, descriptor: descriptor)
        return Self.name(of: descriptor)
    }

    /// The files that hold what is trusted everywhere, those that can't be read included.
    private func usualFiles(now: ContinuousClock.Instant) -> [String] {
        let system = places.includesSystem ? Self.systemFile : nil
        let files = [places.file, system].compactMap { $0 }
        guard !places.directories.isEmpty else { return files }
        if let listed, now - listed.at < Self.listInterval { return files + listed.files }
        let found = places.directories.flatMap { Self.files(in: $0) }
        listed = (Array(found.prefix(Self.maximumFiles)), now)
        return files + found.prefix(Self.maximumFiles)
    }

    /// Far more than any system has.
    private static let maximumFiles = 4096

    /// Sorted; none where the directory can't be read, as in Go.
    private static func files(in directory: String) -> [String] {
        guard let stream = opendir(directory) else { return [] }
        defer { closedir(stream) }
        let names = DirectoryNames(stream).lazy.filter { !$0.hasPrefix(".") }.prefix(maximumFiles)
        return names.map { "\(directory)/\($0)" }.sorted()
    }

    /// What of `files` can be read and holds certificates, each file once: directories for OpenSSL have links to all of
    /// theirs. The rest is passed over, as in Go.
    private static func readUsual(_ files: [String]) -> [UInt8] {
        var seen: Set<[UInt64]> = []
        var contents: [UInt8] = []
        for path in files {
            guard let stamp = try? stamp(of: path), seen.insert([stamp.device, stamp.inode]).inserted,
                let part = try? read(path), holdsCertificate(part),
                contents.count + part.count < maximumSize
            else { continue }
            contents += part + [UInt8(ascii: "\n")]
        }
        return contents
    }

    private static func name(of descriptor: Int32) -> String { "/proc/self/fd/\(descriptor)" }

    private static func stamp(of path: String) throws(TransferFailure) -> Stamp {
        var status = Glibc.stat()
        guard stat(path, &status) == 0 else { throw TransferFailure(cause: .localRead(path: path, errno: errno)) }
        return Stamp(
            device: UInt64(status.st_dev), inode: UInt64(status.st_ino), size: Int64(status.st_size),
            seconds: status.st_mtim.tv_sec, nanoseconds: status.st_mtim.tv_nsec)
    }

    private static func read(_ path: String) throws(TransferFailure) -> [UInt8] {
        let file = try FileDescriptor.openForReading(path)
        let size = Int64(try file.status(path).st_size)
        guard size <= maximumSize else { throw TransferFailure(cause: .localRead(path: path, errno: EFBIG)) }
        var bytes = [UInt8](repeating: 0, count: Int(size))
        var filled = 0
        while filled < bytes.count {
            let got = bytes.withUnsafeMutableBytes { buffer in
                pread(file.number, buffer.baseAddress.map { $0 + filled }, buffer.count - filled, off_t(filled))
            }
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw TransferFailure(cause: .localRead(path: path, errno: errno)) }
            guard got > 0 else { throw TransferFailure(cause: .localFileChanged(path: path)) }
            filled += got
        }
        return bytes
    }

    private static func holdsCertificate(_ bytes: [UInt8]) -> Bool {
        String(decoding: bytes, as: UTF8.self).contains("CERTIFICATE-----")
    }

    private static func memoryFile(_ bytes: [UInt8]) throws(TransferFailure) -> Int32 {
        let descriptor = pushd_memory_file("pushd-authorities")
        guard descriptor >= 0 else {
            throw TransferFailure(cause: .internalFailure(reason: "no file in memory: \(systemMessage(errno))"))
        }
        guard write(descriptor, bytes, bytes.count) == bytes.count else {
            close(descriptor)
            throw TransferFailure(cause: .internalFailure(reason: "a file in memory could not be written"))
        }
        return descriptor
    }
}
