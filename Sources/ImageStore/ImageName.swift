internal import Glibc

/// How a user names a local image.
///
/// Source: docs of the command line, "Image names"; `oci:DIR[:REF]` is read as containers-transports(5) has it, but where
/// `DIR` itself has colons what exists decides.
public enum ImageName: Sendable, Hashable {
    /// `NAME[:TAG]` or `NAME@DIGEST`, to be looked for in the configured stores.
    case named(String)
    /// An OCI layout given directly: an absolute path, and the image's name in it where one was written.
    case layout(directory: String, ref: String?)

    /// Reads a name, and where it may be read in several ways looks which layouts there are.
    ///
    /// - Throws: ``ImageStoreError`` with the causes `nameInvalid` and `notSupported`.
    ///
    /// - Parameter rights: those with which the paths are looked at that it may mean.
    static func read(
        _ text: String, as rights: StoreRights = .daemon
    ) async throws(ImageStoreError) -> ImageName {
        try await FileWork.run(.quick) { _ throws(ImageStoreError) in
            try ImageName(parsing: text) { Existing.at($0, as: rights) }
        }
    }

    /// What there is at a path.
    enum Existing {
        case layout, directory, nothing

        /// Blocks.
        static func at(_ path: String, as rights: StoreRights) -> Existing {
            guard let directory = try? OpenFile.open(path, isDirectory: true, as: rights) else { return .nothing }
            for name in ["oci-layout", "index.json"] {
                // One that can't be opened is there all the same.
                do { if try directory.open(name, isDirectory: false) == nil { continue } } catch {}
                return .layout
            }
            return .directory
        }
    }

    /// - Parameter what: asked about the paths that a text with several colons may mean.
    init(parsing text: String, what exists: (String) -> Existing) throws(ImageStoreError) {
        func fail(_ reason: String) -> ImageStoreError { ImageStoreError(.nameInvalid(reason: reason), subject: text) }
        guard !text.isEmpty else { throw fail("it is empty") }
        guard text.utf8.count <= 5000 else { throw fail("it has more than 5000 bytes") }
        guard text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else { throw fail("it has control characters") }
        if let foreign = ForeignImage(text) { throw ImageStoreError(.notSupported(foreign), subject: text) }
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
        let (directory, ref) = Self.split(place, exists)
        self = .layout(directory: Self.tidied(directory), ref: ref.flatMap { $0.isEmpty ? nil : String($0) })
    }

    /// The directory, and what follows the colon behind it.
    ///
    /// The longest path that is a layout counts, then the longest that is a directory. Where nothing is there yet, the
    /// first colon ends it, as for other tools.
    private static func split(
        _ place: Substring, _ exists: (String) -> Existing
    ) -> (directory: Substring, ref: Substring?) {
        guard let first = place.firstIndex(of: ":") else { return (place, nil) }
        var directory: Substring?
        var end = place.endIndex
        while true {
            let path = place[..<end]
            switch exists(String(path)) {
            case .layout: return (path, end < place.endIndex ? place[place.index(after: end)...] : nil)
            case .directory: directory = directory ?? path
            case .nothing: break
            }
            guard let colon = path.lastIndex(of: ":") else { break }
            end = colon
        }
        let path = directory ?? place[..<first]
        return (path, path.endIndex < place.endIndex ? place[place.index(after: path.endIndex)...] : nil)
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
}
