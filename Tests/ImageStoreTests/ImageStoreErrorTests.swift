import Glibc
import OCI
import Testing

@testable import ImageStore

@Suite("An error of the store")
struct ImageStoreErrorTests {
    static let digest = Digest(of: [1])
    static let causes: [ImageStoreError.Cause] = [
        .nameInvalid(reason: "r"), .notSupported(ForeignImage(.docker, "a")),
        .imageElsewhere(ForeignImage(.docker, "a")), .entryNotSupported(reason: "r"), .imageNotFound(available: []),
        .ambiguous(candidates: ["a", "b"]), .layoutInvalid(reason: "r"), .indexUnreadable(reason: "r"),
        .imageInvalid(reason: "r"), .contradictory(reason: "r"), .manifestTooLarge(bytes: 5_000_000),
        .formatRefused(FormatConversionError(.attached, .docker)), .blobsMissing([digest]),
        .platformsMissing(["p"], total: 2),
        .platformNotFound(wanted: "w", available: []),
        .blobSizes([.init(digest: digest, expected: 1, found: 2)]), .digestMismatch(expected: digest, found: digest),
        .unsafePath(path: "/p"), .linkUnproven(path: "/p"), .fileChanged(path: "/p"),
        .cannotLink(path: "/p", reason: "r"), .noSpace(path: "/p"),
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

    @Test("names its path once, and counts in good grammar")
    func wording() {
        let link = ImageStoreError(.unsafePath(path: "/images/index.json"), subject: "/images/index.json")
        #expect(link.description.ranges(of: "/images/index.json").count == 1)
        let one = ImageStoreError(.platformsMissing(["linux/arm64"], total: 2), subject: "app")
        #expect(one.description == "app lists 2 images, and one of them is missing: linux/arm64")
        let two = ImageStoreError(.platformsMissing(["linux/arm64", "linux/arm"], total: 3), subject: "app")
        #expect(two.description == "app lists 3 images, and 2 of them are missing: linux/arm64, linux/arm")
    }

    @Test("that refuses a push does not speak of jobs to retry", arguments: causes)
    func advice(cause: ImageStoreError.Cause) {
        #expect(ImageStoreError(cause, subject: "/p").advice?.contains("pushctl retry") != true)
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
