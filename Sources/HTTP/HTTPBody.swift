public import System

/// A part of an open file, sent as a request's body and read as it is sent.
public struct FileRange: Sendable {
    public let file: ReadableFile
    /// First byte, from the file's start.
    public let offset: Int64
    /// Number of bytes; the file must hold them all from request's start to its end.
    public let length: Int64

    public init(file: ReadableFile, offset: Int64, length: Int64) {
        precondition(offset >= 0 && length >= 0 && offset <= Int64.max - length, "a file range outside of any file")
        self.file = file
        self.offset = offset
        self.length = length
    }
}

/// What a request carries. Its length is always known and sent as `Content-Length`.
public enum HTTPBody: Sendable {
    /// POST, PUT and PATCH say `Content-Length: 0`, the others nothing.
    case none
    case bytes([UInt8])
    case file(FileRange)

    /// In bytes.
    public var length: Int64 {
        switch self {
        case .none: 0
        case .bytes(let bytes): Int64(bytes.count)
        case .file(let range): range.length
        }
    }
}
