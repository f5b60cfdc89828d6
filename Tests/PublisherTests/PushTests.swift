import FoundationEssentials
import Glibc
import OCI
import PushQueue
import Registry
import Synchronization
import TestSupport
import Testing

@testable import Publisher

@Suite("A push")
struct PushTests {
    @Test("brings the image, children first and the tag last, and nothing else")
    func whole() async throws {
        try await TestRegistry.with { registry in
            try await Bench.with { bench in
                let layers = [
                    try bench.builder.addLayer(size: 300_000, seed: 1), try bench.builder.addLayer(size: 5, seed: 2),
                ]
                let amd = try bench.builder.addImage(
                    layers: layers, platform: Platform(os: "linux", architecture: "amd64"))
                let arm = try bench.builder.addImage(
                    layers: [layers[0]], platform: Platform(os: "linux", architecture: "arm64"))
                let index = try bench.builder.addIndex(of: [amd, arm], name: "multi:1")
                try bench.builder.writeIndexJSON()
                let job = try await bench.push("multi:1", to: registry.address + "/team/multi:1")
                let ended = try await bench.settled(job)
                #expect(ended.job.state == .succeeded, "\(String(describing: ended.job.error))")
                #expect(ended.job.verified == "manifest")
                #expect(registry.tags("team/multi") == ["1": index.digest])
                let puts = registry.requests(.manifest, method: "PUT").map {
                    $0.target.split(separator: "/").last.map(String.init)
                }
                #expect(puts == [amd.digest.description, arm.digest.description, "1"])
                #expect(registry.violations.isEmpty, "\(registry.violations)")
            }
        }
    }

    @Test("field 37: after MANIFEST_BLOB_UNKNOWN forgets what it remembered and sends the blob whatever HEAD says")
    func contradicted() async throws {
        try await TestRegistry.with { registry in
            try await Bench.with { bench in
                let layer = try bench.builder.addLayer(size: 200_000, seed: 1)
                try bench.image("app:1", layers: [layer])
                let first = try await bench.settled(try await bench.push("app:1", to: registry.address + "/r:1"))
                #expect(first.job.state == .succeeded)
                registry.removeBlob(layer.digest, from: "r")
                let again = try bench.builder.addLayer(size: 10, seed: 2)
                try bench.image("app:2", layers: [layer, again])
                let second = try await bench.settled(try await bench.push("app:2", to: registry.address + "/r:2"))
                #expect(second.job.state == .succeeded, "\(String(describing: second.job.error))")
                #expect(registry.hasBlob(layer.digest, in: "r"))
                #expect(registry.bodyBytes(for: layer.digest) == 2 * layer.size)
            }
        }
    }

    @Test(
        "field 31: a registry that refuses or ignores mounts gets the bytes instead", arguments: [401, 403, 500, 202])
    func mountRefused(status: Int) async throws {
        try await TestRegistry.with(profile: status == 202 ? .noMount : .distribution3) { registry in
            try await Bench.with { bench in
                if status != 202 {
                    _ = registry.faults.add(Fault(.mount, times: .max, .respond(Answer(status))))
                }
                let layer = try bench.builder.addLayer(size: 200_000, seed: 1)
                try bench.image("app:1", layers: [layer])
                for repository in ["a", "b", "c"] {
                    let job = try await bench.push("app:1", to: "\(registry.address)/\(repository):1")
                    let ended = try await bench.settled(job)
                    #expect(ended.job.state == .succeeded, "\(String(describing: ended.job.error))")
                }
                #expect(registry.bodyBytes(for: layer.digest) == 3 * layer.size)
                let mounts = registry.requests(.mount).filter { $0.target.hasSuffix("from=a") }
                #expect(mounts.contains { $0.repository == "b" })
                #expect(!mounts.contains { $0.repository == "c" }, "that nothing comes from there is remembered")
                #expect(try await bench.queue.mountRefused(registry: registry.address, source: "a", since: 0))
            }
        }
    }

    @Test("field 39: a refused tag that has the digest is a success, with another digest a conflict of its own kind")
    func immutableTags() async throws {
        let profile = TestRegistry.Profile.distribution3.with { $0.immutableTags = Answer(409) }
        try await TestRegistry.with(profile: profile) { registry in
            try await Bench.with { bench in
                try bench.image("app:1", layers: [try bench.builder.addLayer(size: 1000, seed: 1)])
                try bench.image("app:2", layers: [try bench.builder.addLayer(size: 1000, seed: 2)])
                let first = try await bench.settled(try await bench.push("app:1", to: registry.address + "/r:x"))
                #expect(first.job.state == .succeeded)
                let same = try await bench.settled(
                    try await bench.push("app:1", to: registry.address + "/r:x") { $0.force = true })
                #expect(same.job.state == .succeeded, "\(String(describing: same.job.error))")
                let other = try await bench.settled(try await bench.push("app:2", to: registry.address + "/r:x"))
                #expect(other.job.state == .failed)
                #expect(other.job.error?.code == "tag-conflict")
                #expect(other.job.attempts == 1, "a conflict is not tried again")
            }
        }
    }

    @Test("field 38: a manifest that shows only after a while is waited for")
    func lateManifest() async throws {
        try await TestRegistry.with { registry in
            try await Bench.with { bench in
                try bench.image("app:1", layers: [try bench.builder.addLayer(size: 1000, seed: 1)])
                _ = registry.faults.add(Fault(.manifest, method: "PUT", .hideCommit(looks: 2)))
                let ended = try await bench.settled(try await bench.push("app:1", to: registry.address + "/r:1"))
                #expect(ended.job.state == .succeeded, "\(String(describing: ended.job.error))")
                #expect(ended.job.attempts == 1)
            }
        }
    }

    @Test(
        "field 4: is tried again, not sent, while the registry will not say what it has",
        arguments: [429, 500, 503])
    func unknownIsNotAbsent(status: Int) async throws {
        try await TestRegistry.with(profile: .noMount) { registry in
            try await Bench.with { bench in
                let layer = try bench.builder.addLayer(size: 200_000, seed: 1)
                try bench.image("app:1", layers: [layer])
                _ = registry.faults.add(Fault(.blob, method: "HEAD", times: 3, .respond(Answer(status))))
                let ended = try await bench.settled(try await bench.push("app:1", to: registry.address + "/r:1"))
                #expect(ended.job.state == .succeeded, "\(String(describing: ended.job.error))")
                #expect(registry.bodyBytes(for: layer.digest) == layer.size)
                #expect(ended.job.attempts > 1)
            }
        }
    }

    @Test("field 16: a local blob that is damaged and stays so fails its job, and says so")
    func damagedBlob() async throws {
        try await TestRegistry.with { registry in
            try await Bench.with { bench in
                let layer = try bench.builder.addLayer(size: 100_000, seed: 1)
                try bench.image("app:1", layers: [layer])
                registry.pause()
                let job = try await bench.push("app:1", to: registry.address + "/r:1")
                // The pinned file is the same inode.
                try TestFiles.flipByte(at: 50_000, of: bench.builder.path(of: layer.digest))
                try registry.resume()
                let ended = try await bench.settled(job)
                #expect(ended.job.state == .failed)
                #expect(ended.job.error?.code == "file-changed", "\(String(describing: ended.job.error))")
                #expect(ended.job.attempts > 6, "it might have been written again")
            }
        }
    }

    @Test("a layer that is written again while it waits goes up as soon as it is whole, with the session it had")
    func writtenAgain() async throws {
        try await TestRegistry.with { registry in
            try await Bench.with {
                $0.filePatience = FilePatience(first: .milliseconds(1), longest: .milliseconds(5), waits: 100_000)
            } _: { bench in
                await bench.publisher.pause(nil)
                let layer = try bench.builder.addLayer(size: 100_000, seed: 1)
                try bench.image("app:1", layers: [layer])
                let job = try await bench.push("app:1", to: registry.address + "/r:1")
                let path = bench.builder.path(of: layer.digest)
                try TestFiles.flipByte(at: 50_000, of: path)
                await bench.publisher.resume(nil)
                try await bench.log.wait(for: 3) { entry in
                    if case .attemptFailed(_, _, let error) = entry { error.code == "file-changed" } else { false }
                }
                #expect(registry.bodyBytes(for: layer.digest) == 0, "nothing was sent of it")
                try TestFiles.flipByte(at: 50_000, of: path)
                #expect(try await bench.settled(job).job.state == .succeeded)
                #expect(registry.bodyBytes(for: layer.digest) == layer.size)
            }
        }
    }

    @Test("several images of one push are all kept, though the local ones are deleted", arguments: [true, false])
    func severalKept(isSplit: Bool) async throws {
        try await TestRegistry.with { registry in
            let template = try DestinationTemplate("\(registry.address)/app:{tag}-{arch}")
            try await Bench.with {
                $0.aliases.add(.word("out"), [template])
            } _: { bench in
                await bench.publisher.pause(nil)
                let machines = ["amd64", "arm64"].map { Platform(os: "linux", architecture: $0) }
                for (tag, first) in [("1", 1), ("2", 10)] {
                    let children = try machines.enumerated().map { index, machine in
                        let layer = try bench.builder.addLayer(size: 50_000, seed: UInt64(first + index))
                        return try bench.builder.addImage(layers: [layer], platform: machine)
                    }
                    try bench.builder.addIndex(of: children, name: "app:\(tag)")
                }
                try bench.builder.writeIndexJSON()
                var request = PushRequest(image: isSplit ? "app:1" : "app")
                request.destinations = isSplit ? ["out"] : ["\(registry.address)/app"]
                request.allTags = !isSplit
                request.format = isSplit ? .docker : nil
                let jobs = try await bench.publisher.push(request).pushes
                #expect(jobs.count == 2)
                try FileManager.default.removeItem(atPath: bench.directory.file("images"))
                await bench.publisher.resume(nil)
                for job in jobs {
                    let ended = try await bench.settled(job.id).job
                    #expect(ended.state == .succeeded, "\(String(describing: ended.error))")
                }
                #expect(registry.tags("app").keys.sorted() == (isSplit ? ["1-amd64", "1-arm64"] : ["1", "2"]))
            }
        }
    }

    @Test("layers that a crash left in the spool are gone after the next start, and those of waiting jobs are not")
    func leftovers() async throws {
        try await TestRegistry.with { registry in
            try await TemporaryDirectory.with { temporary in
                let left = Digest(of: [1, 2, 3])
                let path = temporary.file("spool/blobs/sha256/" + left.hex)
                let job = Mutex<JobID?>(nil)
                try await Bench.with(in: temporary) { bench in
                    await bench.publisher.pause(nil)
                    try bench.image("app:1", layers: [try bench.builder.addLayer(size: 50_000, seed: 1)])
                    let id = try await bench.push("app:1", to: registry.address + "/r:1")
                    job.withLock { $0 = id }
                    // As by a crash between keeping and accepting.
                    try temporary.write([1, 2, 3], to: "spool/blobs/sha256/" + left.hex)
                }
                try FileManager.default.removeItem(atPath: temporary.file("images"))
                try await Bench.with(in: temporary) { bench in
                    #expect(access(path, F_OK) != 0)
                    let id = try #require(job.withLock { $0 })
                    #expect(try await bench.settled(id).job.state == .succeeded)
                }
            }
        }
    }

    @Test("bytes damaged on the way are sent again")
    func damagedOnTheWay() async throws {
        try await TestRegistry.with { registry in
            try await Bench.with { bench in
                let layer = try bench.builder.addLayer(size: 100_000, seed: 1)
                try bench.image("app:1", layers: [layer])
                _ = registry.faults.add(Fault(.uploadBody, nth: 2, .corrupt(bodyByte: 5)))
                let ended = try await bench.settled(try await bench.push("app:1", to: registry.address + "/r:1"))
                #expect(ended.job.state == .succeeded, "\(String(describing: ended.job.error))")
                #expect(registry.violations.isEmpty || ended.job.state == .succeeded)
            }
        }
    }

    @Test("of 50 jobs to a registry that is down asks no more than one job would, and all succeed when it is back")
    func outage() async throws {
        try await TestRegistry.with { registry in
            try await Bench.with({ $0.retry = RetryPolicy(base: .milliseconds(100), cap: .milliseconds(200)) }) {
                bench in
                let layer = try bench.builder.addLayer(size: 1000, seed: 1)
                var jobs: [JobID] = []
                _ = registry.faults.add(Fault(nil, times: 4, .respond(Answer(503))))
                for number in 0..<50 {
                    try bench.image(
                        "app\(number):1",
                        layers: [layer, try bench.builder.addLayer(size: 50, seed: UInt64(10 + number))])
                    jobs.append(try await bench.push("app\(number):1", to: "\(registry.address)/r\(number):1"))
                }
                for job in jobs { #expect(try await bench.settled(job).job.state == .succeeded) }
                let refused = registry.requests.filter { $0.status == 503 }.count
                #expect(refused == 4)
                #expect(registry.bodyBytes(for: layer.digest) == layer.size)
            }
        }
    }

    @Test("to a destination that a newer image is for ends as superseded, and the newer one is what stays")
    func superseded() async throws {
        try await TestRegistry.with { registry in
            try await Bench.with { bench in
                try bench.image("app:1", layers: [try bench.builder.addLayer(size: 1000, seed: 1)])
                let newer = try bench.image("app:2", layers: [try bench.builder.addLayer(size: 1000, seed: 2)])
                await bench.publisher.pause(nil)
                let first = try await bench.push("app:1", to: registry.address + "/r:x")
                #expect(try await bench.push("app:1", to: registry.address + "/r:x") == first, "the same job")
                let second = try await bench.push("app:2", to: registry.address + "/r:x")
                await bench.publisher.resume(nil)
                #expect(try await bench.settled(first).job.state == .superseded)
                #expect(try await bench.settled(second).job.state == .succeeded)
                #expect(registry.tags("r") == ["x": newer])
            }
        }
    }
}
