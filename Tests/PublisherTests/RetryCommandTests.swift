import FoundationEssentials
import ImageStore
import OCI
import PushQueue
import TestSupport
import Testing

@testable import Publisher

@Suite("Trying all failed pushes again")
struct RetryCommandTests {
    @Test("takes up blocked jobs too, for their advice says so")
    func blocked() async throws {
        try await TestRegistry.with { registry in
            try await Bench.with { bench in
                try bench.image("app:1", layers: [try bench.builder.addLayer(size: 1000)])
                let refusal = Answer(
                    403, headers: [("Content-Type", "application/json")], #"{"errors":[{"code":"DENIED"}]}"#)
                _ = registry.faults.add(Fault(nil, times: 50, .respond(refusal)))
                let job = try await bench.push("app:1", to: registry.address + "/r:1")
                #expect(try await bench.settled(job).job.state == .blocked)
                registry.faults.removeAll()
                try #require(try await bench.publisher.retry(nil).revived == [job])
                #expect(try await bench.settled(job).job.state == .succeeded)
            }
        }
    }

    @Test("does not stop at a job whose image is gone")
    func imageGone() async throws {
        try await TestRegistry.with { registry in
            try await Bench.with { bench in
                let layers = try (1...2).map { try bench.builder.addLayer(size: 1000, seed: UInt64($0)) }
                try bench.image("app:1", layers: [layers[0]])
                try bench.image("app:2", layers: [layers[1]])
                let refusal = Answer(
                    400, headers: [("Content-Type", "application/json")], #"{"errors":[{"code":"TAG_INVALID"}]}"#)
                _ = registry.faults.add(Fault(.manifest, method: "PUT", times: 50, .respond(refusal)))
                var jobs: [Int64] = []
                for number in 1...2 {
                    jobs.append(try await bench.push("app:\(number)", to: "\(registry.address)/r\(number):1"))
                    #expect(try await bench.settled(jobs[number - 1]).job.state == .failed)
                }
                registry.faults.removeAll()
                // The newer one, which is looked at first; what was pinned of it goes when its job has ended.
                let pinned = bench.directory.file("spool/blobs/sha256/" + layers[1].digest.hex)
                try await waitUntil("the layer is given free") { !FileManager.default.fileExists(atPath: pinned) }
                try FileManager.default.removeItem(atPath: bench.builder.path(of: layers[1].digest))
                let all = try await bench.publisher.retry(nil)
                #expect(all.revived == [jobs[0]] && all.left.map(\.job) == [jobs[1]])
                let one = try await bench.publisher.retry([jobs[1]])
                guard one.revived.isEmpty, case .imageGone(let error)? = one.left.first?.reason else {
                    Issue.record("\(one)")
                    return
                }
                #expect(error.code == "blob-missing")
            }
        }
    }
}
