internal import Glibc
internal import OCI

/// The sentences, in one place.
extension ImageStoreError: CustomStringConvertible {
    /// Stable, for scripts.
    public var code: String {
        switch cause {
        case .nameInvalid: "name-invalid"
        case .notSupported: "not-supported"
        case .imageElsewhere: "image-elsewhere"
        case .imageNotFound: "image-not-found"
        case .entryNotSupported: "entry-not-supported"
        case .ambiguous: "image-ambiguous"
        case .layoutInvalid: "layout-invalid"
        case .indexUnreadable: "index-unreadable"
        case .imageInvalid: "image-invalid"
        case .contradictory: "image-contradictory"
        case .manifestTooLarge: "manifest-too-large"
        case .formatRefused: "format-refused"
        case .blobsMissing: "blob-missing"
        case .platformsMissing: "platforms-missing"
        case .platformNotFound: "platform-not-found"
        case .blobSizes: "blob-size"
        case .digestMismatch: "digest-mismatch"
        case .unsafePath: "unsafe-path"
        case .linkUnproven: "link-unproven"
        case .fileChanged: "file-changed"
        case .cannotLink: "cannot-link"
        case .noSpace: "no-space"
        case .closedToCaller: "closed-to-caller"
        case .notOpenedAsCaller: "not-opened-as-caller"
        case .system: "store-io"
        }
    }

    /// Whether a tool that is still writing explains it: then a later look may find all in order.
    public var mayBeUnfinished: Bool {
        switch cause {
        case .indexUnreadable, .blobsMissing, .platformsMissing, .blobSizes, .digestMismatch, .linkUnproven,
            .fileChanged:
            true
        case .nameInvalid, .notSupported, .imageElsewhere, .imageNotFound, .entryNotSupported, .ambiguous,
            .layoutInvalid, .imageInvalid, .contradictory, .manifestTooLarge,
            .formatRefused, .platformNotFound, .unsafePath, .cannotLink, .noSpace, .closedToCaller,
            .notOpenedAsCaller, .system:
            false
        }
    }

    /// What failed, and why, in one line.
    public var description: String {
        switch cause {
        case .nameInvalid(let reason): "\"\(subject)\" is not an image name: \(reason)"
        case .notSupported(let image): "\(subject) is \(image.kind.description), and pushd reads OCI layouts"
        case .imageElsewhere(let image):
            "there is no image \(subject); \(image.name) is \(image.kind.description), and pushd reads OCI layouts"
        case .imageNotFound(let available):
            available.isEmpty
                ? "there is no image \(subject)"
                : "there is no image \(subject); what is there: \(Self.list(available))"
        case .entryNotSupported(let reason):
            "\(subject) is no image that can be pushed: it \(reason); "
                + "pushd pushes manifests and indexes of OCI and of Docker's schema 2"
        case .ambiguous(let candidates): "\(subject) may be any of several images: \(Self.list(candidates))"
        case .layoutInvalid(let reason): "\(subject) is not an OCI image layout: \(reason)"
        case .indexUnreadable(let reason): "cannot read \(subject)/index.json: \(reason)"
        case .imageInvalid(let reason): "\(subject) is not a valid image: \(reason)"
        case .contradictory(let reason): "\(subject) would not be the same image to everybody: \(reason)"
        case .manifestTooLarge(let bytes):
            "a manifest of \(subject) has \(bytes) bytes, and registries take \(ManifestDocument.maximumSize)"
        case .formatRefused(let error): "\(subject) can't be pushed in \(error.format.name): \(error)"
        case .blobsMissing(let digests):
            "\(subject) is incomplete: \(digests.count == 1 ? "a blob is" : "\(digests.count) blobs are") missing: "
                + Self.list(digests.map(\.description))
        case .platformsMissing(let names, let total):
            "\(subject) lists \(total) images, and \(names.count == 1 ? "one of them is" : "\(names.count) of them are") "
                + "missing: \(Self.list(names))"
        case .platformNotFound(let wanted, let available):
            "\(subject) has no image for \(wanted)"
                + (available.isEmpty ? "" : "; it has \(Self.list(available))")
        case .blobSizes(let blobs):
            "\(subject) is damaged or still being written: "
                + Self.list(blobs.map { "\($0.digest) has \($0.found) bytes instead of \($0.expected)" })
        case .digestMismatch(let expected, let found):
            "\(subject) is damaged: the bytes stored as \(expected) are \(found)"
        case .unsafePath(let path): "\(path) is a link or no plain file or directory, and is not followed"
        case .linkUnproven(let path):
            "\(path) is a link, and does not lead to a file that has the digest of its name"
        case .fileChanged(let path): "\(path) was written again after the push was accepted, and has other content now"
        case .cannotLink(let path, let reason): "cannot keep \(path) for the push: a hard link is impossible: \(reason)"
        case .noSpace(let path): "no space left to write \(path)"
        case .closedToCaller(let path):
            "cannot open \(path) as the user who pushes it: \(String(cString: strerror(EACCES)))"
        case .notOpenedAsCaller(let reason, _): "cannot open \(subject) as the user who pushes it: \(reason)"
        case .system(let operation, let path, let number):
            "cannot \(operation) \(path): \(String(cString: strerror(number)))"
        }
    }

    /// What a person can do about it; nil where the description says all.
    public var advice: String? {
        switch cause {
        case .nameInvalid: "write NAME[:TAG], NAME@DIGEST or oci:DIRECTORY[:NAME], with the directory's absolute path"
        case .notSupported(let image):
            (image.kind == .registry ? "copy it from there: " : "copy it to a layout, and push that: ") + image.commands
                + (image.isNameLikely
                    ? "; an image that is itself called so is written docker.io/library/\(subject)" : "")
        case .imageElsewhere(let image): "copy it to a layout, and push that: " + image.commands
        case .imageNotFound: "check the name with: pushctl images, or name the layout: oci:DIRECTORY[:NAME]"
        case .entryNotSupported: "copy it with the tool that wrote it, such as oras or regctl"
        case .ambiguous: "give the full name, or the digest: oci:DIRECTORY:@DIGEST"
        case .layoutInvalid: "give the directory that holds oci-layout and index.json"
        case .indexUnreadable: "wait until the tool that writes it has ended, or write the layout anew"
        case .imageInvalid: "build or copy the image anew with a current tool"
        case .contradictory:
            "build the image anew where you trust the builder: no known tool writes that, and it may hide another image"
        case .manifestTooLarge: "remove annotations, squash layers, or push fewer platforms: --platform OS/ARCH"
        case .formatRefused(let error): error.advice
        case .blobsMissing, .blobSizes: "wait until the tool that writes it has ended, or build or copy the image anew"
        case .platformsMissing:
            "copy the whole image (skopeo copy --all), or push what is there with --platform OS/ARCH"
        case .platformNotFound: "choose one of those, or leave out --platform to push all"
        case .digestMismatch: "build or copy the image anew, then push it again"
        case .linkUnproven: "build the image anew, or copy it where the files are: cp -rL"
        case .fileChanged: "write the same content again, or build or copy the image anew and push it again"
        case .unsafePath: "copy the layout with its links resolved: cp -rL"
        case .cannotLink:
            "put the state directory on the same file system and under the same owner, or set the pin policy to copy"
        case .closedToCaller: "let the user who pushes it read it: what a member pushes is opened as that member"
        case .notOpenedAsCaller(_, let advice): advice
        case .noSpace: "free some space there, then push again; what was accepted before goes on by itself"
        case .system(_, _, let number):
            number == EACCES || number == EPERM ? "give the user that pushd runs as access to it" : nil
        }
    }

    /// The first ten, and how many more there are.
    private static func list(_ items: [String]) -> String {
        let shown = items.prefix(10).map { String($0.prefix(300)) }.joined(separator: ", ")
        return items.count > 10 ? "\(shown) and \(items.count - 10) more" : shown
    }
}
