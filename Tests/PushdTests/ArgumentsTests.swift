import Control
import Testing

@testable import pushd

@Suite("The daemon's command line")
struct ArgumentsTests {
    private func parse(_ words: String...) throws(UsageError) -> Arguments {
        try Arguments(words, workingDirectory: "/work dir")
    }

    @Test("is understood in all its forms") func understood() throws {
        let arguments = try parse(
            "--config", "a.json5", "--state-dir=/s", "--socket", "/run/x", "--store", "oci:images", "--store=oci:/b",
            "--check-config")
        #expect(arguments.configuration == "/work dir/a.json5")
        #expect(arguments.stateDirectory == "/s")
        #expect(arguments.socket == "/run/x")
        #expect(arguments.stores == ["oci:/work dir/images", "oci:/b"])
        #expect(arguments.checkConfiguration)
        #expect(!arguments.showHelp && !arguments.showVersion)
        #expect(try parse("-h").showHelp)
        #expect(try parse("--help").showHelp)
        #expect(try parse("--version").showVersion)
        #expect(try Arguments(["--socket", "s"], workingDirectory: "/").socket == "/s")
        #expect(try parse() == Arguments([], workingDirectory: "/"))
    }

    @Test(
        "is refused with the word at fault",
        arguments: [
            (["--config"], "--config needs a value"),
            (["--config="], "--config needs a value"),
            (["--state-dir", ""], "--state-dir needs a value"),
            (["--store", "/images"], "a store is written oci:DIR, not \"/images\""),
            (["--store", "oci:"], "a store is written oci:DIR, not \"oci:\""),
            (["--store", "docker-archive:/x.tar"], "a store is written oci:DIR, not \"docker-archive:/x.tar\""),
            (["--check-config=no"], "--check-config takes no value"),
            (["--help=1"], "--help takes no value"),
            (["--stat-dir", "/x"], "\"--stat-dir\" is not an option of pushd"),
            (["-x"], "\"-x\" is not an option of pushd"),
            (["/tmp"], "\"/tmp\" is not an option of pushd"),
            ([""], "\"\" is not an option of pushd"),
        ])
    func refused(words: [String], message: String) {
        let error = #expect(throws: UsageError.self) { try Arguments(words, workingDirectory: "/") }
        #expect(error?.description == message)
    }

    @Test("its help names every option") func help() {
        for option in ["--config", "--state-dir", "--socket", "--store", "--check-config", "--version", "--help"] {
            #expect(Arguments.help.contains("  \(option) "), "\(option)")
        }
        #expect(Arguments.help.split(separator: "\n").allSatisfy { $0.count <= 100 })
    }
}

@Suite("The daemon's places")
struct PlacesTests {
    private func places(
        _ environment: [String: String] = [:], isRoot: Bool = false, _ words: String...
    ) throws -> Places {
        let sockets = SocketPlaces(user: isRoot ? 0 : 7, environment: environment) {
            $0 == environment["XDG_RUNTIME_DIR"] ? .own : .absent
        }
        return try Places(
            try Arguments(words, workingDirectory: "/"), environment: environment, workingDirectory: "/here",
            isRoot: isRoot, sockets: sockets)
    }

    private static let user = ["HOME": "/home/u", "XDG_RUNTIME_DIR": "/run/user/7"]

    @Test("are the system's for root") func root() throws {
        let places = try places(Self.user, isRoot: true)
        #expect(places.configuration == "/etc/pushd/pushd.json5")
        #expect(places.stateDirectory == "/var/lib/pushd")
        #expect(places.socket == "/run/pushd/pushd.sock")
    }

    @Test("are the user's own otherwise") func user() throws {
        let places = try places(Self.user)
        #expect(places.configuration == "/home/u/.config/pushd/pushd.json5")
        #expect(places.stateDirectory == "/home/u/.local/state/pushd")
        #expect(places.socket == "/run/user/7/pushd/pushd.sock")
    }

    @Test("follow the XDG variables where they are absolute") func xdg() throws {
        let set = try places(Self.user.merging(["XDG_CONFIG_HOME": "/c", "XDG_STATE_HOME": "/s"]) { $1 })
        #expect(set.configuration == "/c/pushd/pushd.json5")
        #expect(set.stateDirectory == "/s/pushd")
        let relative = try places(Self.user.merging(["XDG_CONFIG_HOME": "c", "XDG_STATE_HOME": ""]) { $1 })
        #expect(relative == (try places(Self.user)))
    }

    @Test("are the unit's directories under systemd, the first where there are several", arguments: [true, false])
    func unit(isRoot: Bool) throws {
        let places = try places(
            [
                "STATE_DIRECTORY": "/var/lib/p:/var/lib/q", "RUNTIME_DIRECTORY": "/run/p",
                "CONFIGURATION_DIRECTORY": "/etc/p",
            ], isRoot: isRoot)
        #expect(places.configuration == "/etc/p/pushd.json5")
        #expect(places.stateDirectory == "/var/lib/p")
        #expect(places.socket == "/run/p/pushd.sock")
    }

    @Test("have the socket where pushctl looks for it") func socketVariable() throws {
        let environment = ["PUSHD_SOCKET": "/x/s", "RUNTIME_DIRECTORY": "/run/p"]
        #expect(try places(environment, isRoot: true).socket == "/x/s")
        #expect(try places(["PUSHD_SOCKET": "x/s"], isRoot: true).socket == "/here/x/s", "as pushctl takes it")
        #expect(try places(["PUSHD_SOCKET": ""], isRoot: true).socket == "/run/pushd/pushd.sock")
        #expect(try places(environment, isRoot: true, "--socket", "/y").socket == "/y")
    }

    @Test("are the options' above all") func options() throws {
        let places = try places(
            ["STATE_DIRECTORY": "/var/lib/p"], "--config", "/c", "--state-dir", "/s", "--socket", "/x")
        #expect(places.configuration == "/c")
        #expect(places.stateDirectory == "/s")
        #expect(places.socket == "/x")
    }

    @Test(
        "that nobody names are asked for",
        arguments: [
            ([:], "the configuration has no place: set HOME, or give --config"),
            (["HOME": "relative", "XDG_CONFIG_HOME": "/c"], "the state has no place: set HOME, or give --state-dir"),
        ])
    func missing(environment: [String: String], message: String) {
        let error = #expect(throws: UsageError.self) { try places(environment) }
        #expect(error?.description == message)
    }
}
