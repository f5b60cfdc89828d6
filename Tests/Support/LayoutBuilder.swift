internal import FoundationEssentials
internal import Glibc
public import OCI
internal import Synchronization

/// Writes a real OCI image layout, step by step and the same in every run.
///
/// Layers are pseudo-random bytes behind a gzip magic: fit for every registry and for tools that copy layers
/// unopened, not for unpacking. `writeIndexJSON()` comes last, as the real writers do it.
///
/// ```swift
/// let layout = try LayoutBuilder(directory: temporary.file("app"))
/// let layer = try layout.addLayer(size: 3_000_000, seed: 1)
/// let image = try layout.addImage(layers: [layer], name: "latest")
/// try layout.writeIndexJSON()
/// ```
public final class LayoutBuilder: Sendable {
    /// The two families of media types.
    public enum MediaTypes: Sendable { case oci, docker }

    public let directory: String
    private let entries = Mutex<[Descriptor]>([])

    /// Makes `directory` (and those above it), `oci-layout` and `blobs/sha256`; no `index.json` yet.
    public init(directory: String) throws {
        self.directory = directory
        try FileManager.default.createDirectory(
            atPath: directory + "/blobs/sha256", withIntermediateDirectories: true)
        try Self.write(Array(#"{"imageLayoutVersion":"1.0.0"}"#.utf8), to: directory + "/oci-layout")
    }

    public func path(of digest: Digest) -> String { "\(directory)/blobs/\(digest.algorithm.rawValue)/\(digest.hex)" }

    /// A layer of exactly `size` bytes; the same size and seed give the same bytes.
    public func addLayer(size: Int, seed: UInt64 = 1, mediaType: MediaType? = nil) throws -> Descriptor {
        // In pieces: a test of big layers is no test of memory.
        let temporary = directory + "/layer-\(size)-\(seed)"
        let file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw TestSupportError("cannot write \(temporary): errno \(errno)") }
        defer { close(file) }
        var generator = PseudoRandomBytes(seed: seed)
        var hasher = DigestHasher()
        var written = 0
        while written < size {
            var piece = generator.next(min(1 << 20, size - written))
            if written == 0 { piece.replaceSubrange(..<min(3, size), with: [0x1f, 0x8b, 0x08].prefix(size)) }
            try Self.writeAll(piece, to: file)
            piece.withUnsafeBytes { hasher.update($0) }
            written += piece.count
        }
        let digest = hasher.finish()
        guard rename(temporary, path(of: digest)) == 0 else {
            throw TestSupportError("cannot rename \(temporary): errno \(errno)")
        }
        return Descriptor(
            mediaType: mediaType ?? MediaType("application/vnd.oci.image.layer.v1.tar+gzip"), digest: digest,
            size: Int64(size))
    }

    /// Any content under its digest.
    public func addBlob(
        _ bytes: [UInt8], mediaType: MediaType, algorithm: Digest.Algorithm = .sha256
    ) throws -> Descriptor {
        let digest = Digest(of: bytes, algorithm: algorithm)
        try FileManager.default.createDirectory(
            atPath: "\(directory)/blobs/\(algorithm.rawValue)", withIntermediateDirectories: true)
        try Self.write(bytes, to: path(of: digest))
        return Descriptor(mediaType: mediaType, digest: digest, size: Int64(bytes.count))
    }

    /// One more entry of `index.json`, with the two annotations that hold names. The content may be absent.
    public func addEntry(_ content: Descriptor, refName: String? = nil, containerdName: String? = nil) {
        var annotations = content.annotations ?? [:]
        annotations["org.opencontainers.image.ref.name"] = refName
        annotations["io.containerd.image.name"] = containerdName
        let entry = content.with(annotations: annotations.isEmpty ? nil : annotations)
        entries.withLock { $0.append(entry) }
    }

    /// Takes every entry out that is called `refName`.
    public func removeEntries(refName: String) {
        entries.withLock { $0.removeAll { $0.annotations?["org.opencontainers.image.ref.name"] == refName } }
    }

    /// The bytes that ``writeIndexJSON()`` writes.
    public func indexJSON() throws -> [UInt8] {
        try Self.encode(IndexFile(mediaType: .ociIndex, manifests: entries.withLock { $0 }))
    }

    /// Truncates and writes `index.json` in place, as skopeo and buildah do.
    public func writeIndexJSON() throws { try Self.write(indexJSON(), to: directory + "/index.json") }

    static func encode(_ value: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(value))
    }

    private static func write(_ bytes: [UInt8], to path: String) throws {
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw TestSupportError("cannot write \(path): errno \(errno)") }
        defer { close(file) }
        try writeAll(bytes, to: file)
    }

    private static func writeAll(_ bytes: [UInt8], to file: Int32) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
            guard count > 0 else { throw TestSupportError("cannot write: errno \(errno)") }
            rest = rest.dropFirst(count)
        }
    }
}

extension Descriptor {
    /// The same content under other annotations, or with a platform.
    public func with(annotations: [String: String]?, platform: Platform? = nil) -> Descriptor {
        Descriptor(
            mediaType: mediaType, digest: digest, size: size, platform: platform ?? self.platform,
            annotations: annotations, artifactType: artifactType, data: data, urls: urls)
    }
}

struct IndexFile: Encodable {
    var schemaVersion = 2
    var mediaType: MediaType
    var manifests: [Descriptor]
    var annotations: [String: String]?
}
