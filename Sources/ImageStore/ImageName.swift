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
        throw ImageStoreError(.nameInvalid(reason: "not yet"), subject: text)
    }
}
