internal import Glibc

/// How a user names a local image.
///
/// Source: docs of the command line, "Image names"; `oci:DIR[:REF]` is read as containers-transports(5) has it.
public enum ImageName: Sendable, Hashable {
    /// `NAME[:TAG]` or `NAME@DIGEST`, to be looked for in the configured stores.
    case named(String)
    /// An OCI layout given directly: an absolute path, and the image's name in it where one was written.
    case layout(directory: String, ref: String?)

    /// - Throws: ``ImageStoreError`` with the causes `nameInvalid` and `notSupported`.
    public init(parsing text: String) throws(ImageStoreError) {
        try self.init(parsing: text, isDirectory: Self.isDirectory)
    }

    /// - Parameter isDirectory: asked about a path with a colon in it, which may be the whole directory or not.
    init(parsing text: String, isDirectory: (String) -> Bool) throws(ImageStoreError) {
        func fail(_ reason: String) -> ImageStoreError { ImageStoreError(.nameInvalid(reason: reason), subject: text) }
        guard !text.isEmpty else { throw fail("it is empty") }
        guard text.utf8.count <= 5000 else { throw fail("it has more than 5000 bytes") }
        guard text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else { throw fail("it has control characters") }
        for kind in ["oci-archive:", "docker-archive:", "docker-daemon:", "docker:", "containers-storage:"]
        where text.hasPrefix(kind) {
            throw ImageStoreError(.notSupported(kind: kind), subject: text)
        }
        guard text.hasPrefix("oci:") else {
            // What a `ref.name` may consist of: OCI image-spec 1.1, annotations.md.
            guard text.utf8.count <= 512, text.utf8.allSatisfy(Self.isNameByte), !text.hasPrefix("/") else {
                throw fail(
                    text.hasPrefix("/") || text.hasPrefix(".")
                        ? "a directory is written oci:DIRECTORY" : "it has characters that no name has")
            }
            self = .named(text)
            return
        }
        let place = text.dropFirst(4)
        guard place.hasPrefix("/") else { throw fail("the layout's directory is no absolute path") }
        guard let colon = place.firstIndex(of: ":"), !isDirectory(String(place)) else {
            self = .layout(directory: Self.tidied(place), ref: nil)
            return
        }
        let ref = place[place.index(after: colon)...]
        self = .layout(directory: Self.tidied(place[..<colon]), ref: ref.isEmpty ? nil : String(ref))
    }

    /// Without doubled and trailing slashes and `.`, so that one directory is one store. `..` stays: only the file
    /// system knows where it leads behind a link.
    static func tidied(_ path: some StringProtocol) -> String {
        "/" + path.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"):
            true
        default: "-._:@+/[]".utf8.contains(byte)
        }
    }

    private static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }
}
