/// How layers are kept when they cannot be hard-linked: they lie on another file system, or belong to another user.
public enum PinPolicy: String, Sendable, CaseIterable {
    /// Nothing but a hard link will do: the push is refused.
    case link
    /// Shared by reflink where the file system can; else left in place.
    case reflink
    /// Shared by reflink where the file system can; else copied, and hashed on the way.
    case copy
    /// Left where they are: deleting the image before it is pushed fails the push.
    case inPlace
}
