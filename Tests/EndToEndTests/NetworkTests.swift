import Glibc
import TestSupport
import Testing

/// A machine in the machine, whose network can be taken away: a network namespace, with a loopback of its own.
@Suite("A network that comes back", .enabled(if: canHaveNetworkOfItsOwn))
struct NetworkTests {
    @Test("is noticed at once")
    func comesBack() async throws {
        try await Machine.with { machine in
            let builder = try LayoutBuilder(directory: machine.layout)
            try builder.addImage(layers: [try builder.addLayer(size: 1000)], name: "app:1")
            try builder.writeIndexJSON()
            // Without the news the registry would be tried after 29 s.
            try machine.configure("retry: { base: '29s' }")
            let script = """
                set -e
                ip link set lo up
                "$1" > "$4/address" & registry=$!
                until [ -s "$4/address" ]; do sleep 0.02; done
                ip link set lo down
                arguments=("${@:5}")
                "$2" "${arguments[@]}" 2> "$4/log" & daemon=$!
                trap 'kill $registry $daemon' EXIT
                until grep -q 'listens on' "$4/log"; do sleep 0.02; done
                "$3" push -d app:1 "$(cat "$4/address")/r:1" > /dev/null
                until "$3" --json status 1 | grep -q '"state":"waiting"'; do sleep 0.02; done
                ip link set lo up
                timeout 20 "$3" wait 1
                """
            let result = try await ProcessRunner.run(
                "unshare",
                [
                    "-n", "bash", "-c", script, "bash", try builtProduct("test-registry"), try builtProduct("pushd"),
                    try builtProduct("pushctl"), machine.directory.path,
                ] + machine.daemonArguments(stores: [machine.layout]),
                environment: machine.environment.merging(["PATH": "/usr/sbin:/sbin:/usr/bin:/bin"]) { $1 },
                timeout: .seconds(60))
            #expect(result.status == 0, "\(result.output)\(result.errors)")
        }
    }
}

private let canHaveNetworkOfItsOwn =
    getuid() == 0 && installedProgram("ip") != nil && installedProgram("unshare") != nil
