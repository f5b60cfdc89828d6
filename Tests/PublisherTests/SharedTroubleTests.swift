import FoundationEssentials
import OCI
import PushQueue
import Registry
import TestSupport
import Testing

@testable import Publisher

/// Jobs that share layers, when one of them meets trouble.
@Suite("Of jobs that share a layer")
struct SharedTroubleTests {
    @Test("the leader may be canceled: the rest are served by its transfer, and each byte is sent once")
    func leaderCanceled() async throws {
        try await TestRegistry.with { registry in
            try await Bench.with { bench in
                try await bench.withHeldLeader(registry, jobs: 10) { jobs, layer, leader, gate in
                    _ = try await bench.publisher.cancel([jobs[leader]])
                    gate.open()
                    for (number, job) in jobs.enumerated() {
                        let state = try await bench.settled(job).job.state
                        #expect(state == (number == leader ? .canceled : .succeeded))
                    }
                    #expect(registry.bodyBytes(for: layer.digest) == layer.size)
                    #expect(registry.tags("r\(leader)").isEmpty)
                }
            }
        }
    }

    @Test("one that waits may be canceled at once, and holds up nobody")
    func waiterCanceled() async throws {
        try await TestRegistry.with { registry in
            try await Bench.with { bench in
                try await bench.withHeldLeader(registry, jobs: 3) { jobs, layer, leader, gate in
                    let waiter = leader == 0 ? 1 : 0
                    _ = try await bench.publisher.cancel([jobs[waiter]])
                    #expect(try await bench.settled(jobs[waiter]).job.state == .canceled)
                    gate.open()
                    for (number, job) in jobs.enumerated() where number != waiter {
                        #expect(try await bench.settled(job).job.state == .succeeded)
                    }
                    #expect(registry.bodyBytes(for: layer.digest) == layer.size)
                }
            }
        }
    }

    @Test("field 43: one without the right to push does not stop the others", arguments: [403, 404])
    func deniedLeader(status: Int) async throws {
        // A small buffer: the body can't have come in whole while its reader stalls.
        try await TestRegistry.with(receiveBuffer: 16_384) { registry in
            try await Bench.with { bench in
                try await bench.withHeldLeader(registry, jobs: 4) { jobs, layer, leader, gate in
                    let code = status == 403 ? "DENIED" : "NAME_UNKNOWN"
                    let refusal = Answer(
                        status, headers: [("Content-Type", "application/json")], #"{"errors":[{"code":"\#(code)"}]}"#)
                    registry.faults.add(Fault(.uploadStart, repository: "r\(leader)", times: .max, .respond(refusal)))
                    registry.faults.add(Fault(.uploadBody, repository: "r\(leader)", times: .max, .respond(refusal)))
                    registry.faults.add(
                        Fault(.manifest, method: "PUT", repository: "r\(leader)", times: .max, .respond(refusal)))
                    registry.faults.add(Fault(.uploadStatus, repository: "r\(leader)", times: .max, .respond(refusal)))
                    // The body under way breaks; from now on nothing is taken in the leader's repository.
                    registry.pause()
                    gate.open()
                    try registry.resume()
                    for (number, job) in jobs.enumerated() {
                        let state = try await bench.settled(job).job.state
                        #expect(state == (number == leader ? .blocked : .succeeded), "job \(number), leader \(leader)")
                    }
                    // What the leader's repository got is lost; nobody else sends it a second time.
                    #expect(registry.bodyBytes(for: layer.digest) <= 2 * layer.size)
                }
            }
        }
    }

    @Test("one that may not push to its repository does not keep the others from mounting", arguments: [401, 403, 404])
    func deniedMount(status: Int) async throws {
        try await TestRegistry.with { registry in
            try await Bench.with { bench in
                let layer = try bench.builder.addLayer(size: 200_000, seed: 1)
                try bench.image("app:1", layers: [layer])
                try await bench.publish("app:1", to: registry.address + "/a:1")
                let code = status == 404 ? "NAME_UNKNOWN" : "DENIED"
                let refusal = Answer(
                    status, headers: [("Content-Type", "application/json")], #"{"errors":[{"code":"\#(code)"}]}"#)
                registry.faults.add(Fault(.uploadStart, repository: "b", times: .max, .respond(refusal)))
                let denied = try await bench.push("app:1", to: registry.address + "/b:1")
                #expect(try await bench.settled(denied).job.state == .blocked)
                try await bench.publish("app:1", to: registry.address + "/c:1")
                #expect(registry.bodyBytes(for: layer.digest) == layer.size, "mounted")
            }
        }
    }

    @Test("field 16: one whose local blob is gone and stays so fails, and does not hold up the others")
    func blobGone() async throws {
        try await TestRegistry.with { registry in
            try await Bench.with { bench in
                await bench.publisher.pause(nil)
                let gone = try bench.builder.addLayer(size: 100_000, seed: 1)
                try bench.image("gone:1", layers: [gone])
                let first = try await bench.push("gone:1", to: registry.address + "/a:1")
                try bench.image("fine:1", layers: [try bench.builder.addLayer(size: 1000, seed: 2)])
                let second = try await bench.push("fine:1", to: registry.address + "/b:1")
                // Gone from the store and from the spool.
                for directory in ["images", "spool"] {
                    for path in try FileManager.default.subpathsOfDirectory(atPath: bench.directory.file(directory))
                    where path.hasSuffix(gone.digest.hex) {
                        try FileManager.default.removeItem(atPath: bench.directory.file(directory) + "/" + path)
                    }
                }
                await bench.publisher.resume(nil)
                let ended = try await bench.settled(first)
                #expect(ended.job.state == .failed)
                #expect(ended.job.error?.code == "blob-missing")
                #expect(ended.job.attempts == 7, "it might have come back")
                #expect(try await bench.settled(second).job.state == .succeeded)
            }
        }
    }
}
