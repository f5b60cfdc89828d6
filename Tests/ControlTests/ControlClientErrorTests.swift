import Testing

@testable import Control

@Suite("Why no daemon answers")
struct ControlClientErrorTests {
    @Test("comes with the command that starts it on this machine, with systemd or without")
    func start() {
        for cause in [ControlClientError.Cause.noSocket, .nobodyListens] {
            let error = ControlClientError(path: "/s", cause: cause)
            #expect(error.advice(hasSystemd: true)?.hasPrefix("start it with: systemctl start pushd (") == true)
            #expect(error.advice(hasSystemd: false)?.hasPrefix("start it with: env pushd --store oci:DIR &;") == true)
        }
        let lost = ControlClientError(path: "/s", cause: .connectionLost(reason: "x"))
        #expect(lost.advice(hasSystemd: true)?.contains("journalctl") == true)
        #expect(lost.advice(hasSystemd: false)?.contains("journalctl") == false)
    }
}
