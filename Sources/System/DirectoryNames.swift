internal import Glibc

/// The names in an open directory but `.` and `..`, in no order: readdir(3).
///
/// The stream remains the caller's to close.
public struct DirectoryNames: Sequence, IteratorProtocol {
    private let stream: OpaquePointer
    /// An entry ends with its name, and is shorter than its type: no more of it may be read than that.
    private let offset: Int

    /// - Parameter stream: from `opendir` or `fdopendir`.
    public init(_ stream: OpaquePointer) {
        self.stream = stream
        guard let offset = MemoryLayout<dirent>.offset(of: \.d_name) else {
            preconditionFailure("every entry has a name")
        }
        self.offset = offset
    }

    public mutating func next() -> String? {
        while let entry = readdir(stream) {
            let name = UnsafeRawPointer(entry).advanced(by: offset).assumingMemoryBound(to: CChar.self)
            let text = String(cString: name)
            if text != ".", text != ".." { return text }
        }
        return nil
    }
}
