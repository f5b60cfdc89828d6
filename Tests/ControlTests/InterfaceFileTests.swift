import FoundationEssentials
import TestSupport
import Testing

@testable import Control

@Suite("The interface's file")
struct InterfaceFileTests {
    @Test("that is installed says what the daemon says")
    func same() async throws {
        let root = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let result = try await ProcessRunner.run(root + "/scripts/interface")
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.output == controlInterfaceDescription)
    }
}
