public import HTTP

/// An upload that is open at a registry. It outlives connections, and mostly also this process.
public struct UploadSession: Sendable, Hashable {
    /// Where it goes on, as the registry said last. It may carry a signature: never for a log.
    public var location: HTTPURL
    /// Bytes that the registry has confirmed. It may hold more of a body that broke off.
    public var offset: Int64
    /// The least size, in bytes, of each chunk but the last, where the registry named one.
    public var chunkMinimum: Int64?
    /// Whether nothing was ever sent into it, so that its state need not be asked.
    public internal(set) var isFresh: Bool

    /// A session that was kept from an earlier attempt: before it is used, the registry is asked how far it got.
    public init(location: HTTPURL, offset: Int64, chunkMinimum: Int64? = nil) {
        self.init(location: location, offset: offset, chunkMinimum: chunkMinimum, isFresh: false)
    }

    init(location: HTTPURL, offset: Int64, chunkMinimum: Int64?, isFresh: Bool) {
        self.location = location
        self.offset = offset
        self.chunkMinimum = chunkMinimum
        self.isFresh = isFresh
    }
}
