public import OCI

/// Why a local image cannot be found, read or kept, and what a person can do about it.
public struct ImageStoreError: Error, Sendable, Equatable {
    public enum Cause: Sendable, Equatable {
        /// The text is no image name.
        case nameInvalid(reason: String)
        /// The text names a place that pushd does not read.
        case notSupported(ForeignImage)
        /// No store has it, but another place of this machine that pushd does not read.
        case imageElsewhere(ForeignImage)
        /// No entry has this name; `available` are names that are there, a few at most.
        case imageNotFound(available: [String])
        /// What has the name is no image that can be pushed; the reason is the end of "it ".
        case entryNotSupported(reason: String)
        /// Several different images answer to the name.
        case ambiguous(candidates: [String])
        /// The directory is no OCI layout.
        case layoutInvalid(reason: String)
        /// `index.json` cannot be parsed, also not a moment later.
        case indexUnreadable(reason: String)
        /// A manifest or configuration is not what it has to be.
        case imageInvalid(reason: String)
        /// A manifest or configuration is another image to some tools than to others.
        case contradictory(reason: String)
        /// A manifest has more bytes than registries take.
        case manifestTooLarge(bytes: Int64)
        /// The image can't be said in the format that was asked for.
        case formatRefused(FormatConversionError)
        /// Blobs that a manifest names and the store has not; all of them.
        case blobsMissing([Digest])
        /// Children of an index that the store has not, by platform; `total` children are listed in the index.
        case platformsMissing([String], total: Int)
        /// No image in the index is for this machine; `available` are.
        case platformNotFound(wanted: String, available: [String])
        /// Blobs whose files are longer or shorter than their descriptors say; all of them.
        case blobSizes([SizeMismatch])
        case digestMismatch(expected: Digest, found: Digest)
        /// A link, or something else that is no plain file or directory, where content was expected.
        case unsafePath(path: String)
        /// A link in a layout does not lead to a file with the digest that it is named by.
        case linkUnproven(path: String)
        /// A file was written in place after its push was accepted, and is not what it was.
        case fileChanged(path: String)
        /// The configuration allows nothing but hard links, and none can be made.
        case cannotLink(path: String, reason: String)
        case noSpace(path: String)
        /// The user whose push it is may not open the file.
        case closedToCaller(path: String)
        /// There is no way to open the files of a user as that user.
        case notOpenedAsCaller(reason: String, advice: String)
        /// A system call failed.
        case system(operation: String, path: String, errno: Int32)
    }

    /// A file that is not as long as it has to be. Bytes.
    public struct SizeMismatch: Sendable, Equatable {
        public let digest: Digest
        public let expected: Int64
        public let found: Int64
    }

    /// The image, layout or file as the user knows it.
    public let subject: String
    public let cause: Cause

    public init(_ cause: Cause, subject: String) {
        self.cause = cause
        self.subject = String(subject.prefix(1024))
    }

    /// The same, for a push to these destinations: what it advises leads there.
    public func aiming(at destinations: [String]) -> ImageStoreError {
        func aimed(_ image: ForeignImage) -> ForeignImage {
            var image = image
            image.destinations = destinations
            return image
        }
        return switch cause {
        case .notSupported(let image): ImageStoreError(.notSupported(aimed(image)), subject: subject)
        case .imageElsewhere(let image): ImageStoreError(.imageElsewhere(aimed(image)), subject: subject)
        default: self
        }
    }
}
