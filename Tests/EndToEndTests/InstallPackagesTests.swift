import FoundationEssentials
import Glibc
import TestSupport
import Testing

/// `scripts/install-packages`, which `make test` and `make demo` run on people's own machines: with stand-ins for apt, dpkg
/// and systemctl, and a machine's directories that are the test's own.
@Suite("What make test and make demo install")
struct InstallPackagesTests {
    /// A machine that has `old-daemon`, and whose apt knows `web`, which needs `web-common` and a newer `old-daemon`.
    private struct FakeMachine {
        let directory: TemporaryDirectory

        static let stubs: [String: String] = [
            "id": "echo 1000",
            "sudo": #"exec "$@""#,
            "dpkg-query": """
            for name; do :; done
            [ -e "$MACHINE_ROOT/installed/$name" ] || exit 1
            case $* in *Config-Version*) printf 'installed ' ;; *) printf 'install ok installed' ;; esac
            """,
            "dpkg": """
            shift
            for name; do cat "$MACHINE_ROOT/installed/$name" || status=1; done
            exit ${status:-0}
            """,
            "apt-cache": #"[ "$2" != unknown ]"#,
            "apt-get": """
            echo "apt-get $*" >>"$MACHINE_ROOT/log"
            case $* in
            update*) exit 0 ;;
            *--simulate*conflicting*) echo 'Remv precious [1.0]'; exit 0 ;;
            *--simulate*)
                echo 'Inst old-daemon [1.0] (1.1 Debian:12 [amd64])'
                echo 'Inst web-common (1.0 Debian:12 [all])'
                echo 'Inst web (1.0 Debian:12 [amd64])'
                echo 'Conf web (1.0 Debian:12 [amd64])'
                exit 0 ;;
            esac
            echo 'apt installs' >&2
            while [ -e "$MACHINE_ROOT/hold" ]; do sleep 0.05; done
            "$MACHINE_ROOT/usr/sbin/policy-rc.d" web.service start
            echo "policy $?" >>"$MACHINE_ROOT/log"
            cp "$MACHINE_ROOT/archive/"* "$MACHINE_ROOT/installed/"
            [ ! -e "$MACHINE_ROOT/broken" ] || exit 100
            """,
            // All that exists is enabled and active.
            "systemctl": """
            case $* in
            *list-unit-files*|*list-units*)
                for word; do case $word in *.service|*.socket) echo "$word enabled enabled" ;; esac; done ;;
            *) echo "systemctl $*" >>"$MACHINE_ROOT/log" ;;
            esac
            """,
            "update-rc.d": #"echo "update-rc.d $*" >>"$MACHINE_ROOT/log""#,
        ]

        static func with(_ body: (FakeMachine) async throws -> Void) async throws {
            try await TemporaryDirectory.with { directory in
                for (name, script) in stubs {
                    try directory.makeDirectory("bin")
                    try await directory.makeProgram("#!/bin/sh\n" + script + "\n", as: "bin/" + name)
                }
                let machine = FakeMachine(directory: directory)
                try directory.makeDirectory("usr/sbin")
                try machine.write("/usr/lib/systemd/system/old.service\n/etc/init.d/old\n", to: "installed/old-daemon")
                try machine.write("/usr/bin/web\n", to: "archive/web")
                try machine.write(
                    "/lib/systemd/system/web.service\n/usr/lib/systemd/user/web.socket\n/etc/init.d/web\n",
                    to: "archive/web-common")
                try machine.write("", to: "etc/rc3.d/S01web")
                try machine.write("", to: "etc/rc3.d/S01old")
                try await body(machine)
            }
        }

        /// Both streams of the script in one, in their order.
        func start(_ packages: String...) throws -> ProcessRunner {
            let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent().path
            var environment = ProcessInfo.processInfo.environment
            environment["PATH"] = directory.file("bin") + ":" + (environment["PATH"] ?? "/usr/bin:/bin")
            environment["MACHINE_ROOT"] = directory.path
            return try ProcessRunner(
                "sh", ["-c", #"exec "$0" "$@" 2>&1"#, repository + "/scripts/install-packages"] + packages,
                environment: environment)
        }

        var policy: String { "usr/sbin/policy-rc.d" }
        var log: String { (try? String(contentsOfFile: directory.file("log"), encoding: .utf8)) ?? "" }
        func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: directory.file(name)) }
        func write(_ text: String, to name: String) throws { try directory.write(text.utf8, to: name) }
        func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: directory.file(name)) }
    }

    private static let disabling = "systemctl --quiet --system disable web.service\n"

    @Test("the packages and what they need are told before apt installs them")
    func announcement() async throws {
        try await FakeMachine.with { machine in
            let result = try await machine.start("old-daemon", "web", "unknown").wait()
            #expect(result.status == 0, "\(result.output)")
            let parts = result.output.split(separator: "apt installs")
            try #require(parts.count == 2, "\(result.output)")
            #expect(parts[0].contains("apt is about to install, 2 in all:\n    web\n"), "\(result.output)")
            #expect(parts[0].contains("what they need:\n    web-common\n"), "\(result.output)")
            #expect(
                parts[0].contains("here already, without a restart of its services:\n    old-daemon\n"),
                "\(result.output)")
            #expect(parts[0].contains("No service of the new packages will be left started or enabled"))
            #expect(result.output.contains("no repository of this machine has unknown"))
        }
    }

    @Test("nothing is done when nothing is missing")
    func nothingMissing() async throws {
        try await FakeMachine.with { machine in
            let result = try await machine.start("old-daemon").wait()
            #expect(result.status == 0 && result.output.isEmpty, "\(result.output)")
            #expect(machine.log.isEmpty, "\(machine.log)")
        }
    }

    @Test("what only fits if something else goes is left out")
    func conflict() async throws {
        try await FakeMachine.with { machine in
            let result = try await machine.start("conflicting", "web").wait()
            #expect(result.status == 0, "\(result.output)")
            #expect(result.output.contains("conflicting does not go together"), "\(result.output)")
            #expect(result.output.contains("precious"), "\(result.output)")
            let installing = machine.log.split(separator: "\n").filter { $0.contains(" -y ") }
            #expect(installing.count == 1 && installing[0].hasSuffix(" --no-remove web"), "\(machine.log)")
        }
    }

    @Test("services of new packages do not start and are disabled, others are left alone", arguments: [true, false])
    func services(systemdRuns: Bool) async throws {
        try await FakeMachine.with { machine in
            if systemdRuns { try machine.directory.makeDirectory("run/systemd/system") }
            let result = try await machine.start("web").wait()
            #expect(result.status == 0, "\(result.output)")
            #expect(!machine.exists(machine.policy))
            let done = machine.log.split(separator: "\n").map(String.init).filter { !$0.hasPrefix("apt-get") }
            let stopped = systemdRuns ? ["systemctl --quiet stop web.service"] : []
            #expect(
                done == ["policy 101", "systemctl --quiet --system disable web.service"] + stopped
                    + ["systemctl --quiet --global disable web.socket", "update-rc.d web disable"])
        }
    }

    @Test("the policy goes and services are disabled when apt fails, too")
    func failure() async throws {
        try await FakeMachine.with { machine in
            try machine.write("", to: "broken")
            let result = try await machine.start("web").wait()
            #expect(result.status == 100, "\(result.output)")
            #expect(!machine.exists(machine.policy))
            #expect(machine.log.contains("policy 101\n" + Self.disabling), "\(machine.log)")
        }
    }

    @Test("the policy lies there while apt runs, and goes when the script is told to stop")
    func stopped() async throws {
        try await FakeMachine.with { machine in
            try machine.write("", to: "hold")
            let script = try machine.start("web")
            try await script.waitForOutput("apt installs")
            #expect(machine.exists(machine.policy))
            // Waits for apt, which would not stop either: its packages are to find the policy to the end.
            script.send(SIGTERM)
            try machine.remove("hold")
            let result = try await script.wait()
            #expect(result.status == 143, "\(result.output)")
            #expect(!machine.exists(machine.policy))
            #expect(machine.log.contains("policy 101\n" + Self.disabling), "\(machine.log)")
        }
    }

    @Test("a policy of the machine's own stays, one that a killed run has left does not")
    func otherPolicy() async throws {
        try await FakeMachine.with { machine in
            let own = "#!/bin/sh\nexit 104\n"
            try await machine.directory.makeProgram(own, as: machine.policy)
            #expect(try await machine.start("web").wait().status == 0)
            #expect(try String(contentsOfFile: machine.directory.file(machine.policy), encoding: .utf8) == own)
            #expect(machine.log.contains("policy 104\n" + Self.disabling), "\(machine.log)")

            try machine.remove("installed/web")
            try machine.remove("installed/web-common")
            let left = "#!/bin/sh\n# Laid here by pushd's scripts/install-packages\nexit 101\n"
            try await machine.directory.makeProgram(left, as: machine.policy)
            #expect(try await machine.start("web").wait().status == 0)
            #expect(!machine.exists(machine.policy))
        }
    }
}
