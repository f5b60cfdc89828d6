import Glibc
import OCI
import Testing

@testable import ImageStore

@Suite("An error of the store")
struct ImageStoreErrorTests {
    static let digest = Digest(of: [1])
    static let causes: [ImageStoreError.Cause] = [
        .nameInvalid(reason: "r"), .notSupported(kind: "docker:"), .imageNotFound(available: []),
        .ambiguous(candidates: ["a", "b"]), .layoutInvalid(reason: "r"), .indexUnreadable(reason: "r"),
        .imageInvalid(reason: "r"), .blobsMissing([digest]), .platformsMissing(["p"], total: 2),
        .platformNotFound(wanted: "w", available: []),
        .blobSizes([.init(digest: digest, expected: 1, found: 2)]), .digestMismatch(expected: digest, found: digest),
        .unsafePath(path: "/p"), .cannotLink(path: "/p", reason: "r"), .noSpace(path: "/p"),
        .system(operation: "read", path: "/p", errno: EACCES),
    ]

    @Test("has a code of its own, says what it is about, and what to do", arguments: causes)
    func texts(cause: ImageStoreError.Cause) {
        let error = ImageStoreError(cause, subject: "/p")
        #expect(error.description.contains("/p"))
        #expect(!error.description.contains("\n"))
        #expect(error.advice?.isEmpty == false)
        #expect(Self.causes.filter { ImageStoreError($0, subject: "").code == error.code } == [cause])
    }

    @Test("stays short, however much is wrong")
    func bounded() {
        let many = (0..<10_000).map { "\($0)" + String(repeating: "x", count: 10_000) }
        let error = ImageStoreError(.ambiguous(candidates: many), subject: many[0])
        #expect(error.description.utf8.count < 5000)
        #expect(error.description.hasSuffix("and 9990 more"))
    }

    @Test("of a full disk is told apart", arguments: [ENOSPC, EDQUOT])
    func fullDisk(number: Int32) {
        #expect(ImageStoreError.system("write", "/p", number).cause == .noSpace(path: "/p"))
        #expect(ImageStoreError.system("write", "/p", EIO).code == "store-io")
    }
}
