import Synchronization
import Testing

@testable import Control

@Suite("Calls to the control server")
struct ControlServerCallTests {
    @Test("a call reaches the service and its answer comes back whole")
    func roundTrip() async throws {
        let service = FakeService(onPush: { input in
            var job = JobInfo.sample()
            job.image = input.image
            return Push.Output(jobs: [job])
        })
        try await withServer(service) { fixture in
            let output = try await fixture.client.call(Push.self, Push.Input(image: "team/app:ä/\u{1F680}\u{0}"))
            var expected = JobInfo.sample()
            expected.image = "team/app:ä/\u{1F680}\u{0}"
            #expect(output == Push.Output(jobs: [expected]))
        }
    }
}
