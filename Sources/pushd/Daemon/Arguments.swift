/// What was said on the daemon's command line.
struct Arguments: Equatable {
    var configuration: String?
    var stateDirectory: String?
    var socket: String?
    /// `oci:DIR`, made absolute; in addition to the configured stores.
    var stores: [String] = []
    var checkConfiguration = false
    var showVersion = false
    var showHelp = false

    /// - Throws: ``UsageError``.
    init(_ words: [String], workingDirectory: String) throws(UsageError) {
        var rest = words[...]
        func absolute(_ path: String) -> String {
            path.hasPrefix("/") ? path : (workingDirectory == "/" ? "" : workingDirectory) + "/" + path
        }
        while var word = rest.popFirst() {
            var inline: String?
            if word.hasPrefix("--"), let equals = word.firstIndex(of: "=") {
                inline = String(word[word.index(after: equals)...])
                word = String(word[..<equals])
            }
            func value() throws(UsageError) -> String {
                guard let value = inline ?? rest.popFirst(), !value.isEmpty else {
                    throw UsageError(reason: "\(word) needs a value")
                }
                return value
            }
            func flag() throws(UsageError) -> Bool {
                guard inline == nil else { throw UsageError(reason: "\(word) takes no value") }
                return true
            }
            switch word {
            case "--config": configuration = absolute(try value())
            case "--state-dir": stateDirectory = absolute(try value())
            case "--socket": socket = absolute(try value())
            case "--store":
                let text = try value()
                guard text.hasPrefix("oci:"), text.utf8.count > 4 else {
                    throw UsageError(reason: "a store is written oci:DIR, not \"\(text.prefix(100))\"")
                }
                stores.append("oci:" + absolute(String(text.dropFirst(4))))
            case "--check-config": checkConfiguration = try flag()
            case "--version": showVersion = try flag()
            case "--help", "-h": showHelp = try flag()
            default: throw UsageError(reason: "\"\(word.prefix(100))\" is not an option of pushd")
            }
        }
    }

    static let help = """
        pushd: publishes container images to registries, in the background

        usage: pushd [OPTION]…

          --config FILE      configuration (JSON5); default /etc/pushd/pushd.json5, for a user
                             $XDG_CONFIG_HOME/pushd/pushd.json5
          --state-dir DIR    queue and spool; default /var/lib/pushd, for a user $XDG_STATE_HOME/pushd
          --socket PATH      control socket; default $PUSHD_SOCKET, else /run/pushd/pushd.sock, for a user
                             $XDG_RUNTIME_DIR/pushd/pushd.sock, or what stands in for it: see pushd(8)
          --store oci:DIR    watch this image layout too; may be given several times
          --check-config     read the configuration, say what is wrong with it, and exit
          --version          print the version
          --help             print this

        It runs in the foreground and logs to standard error. SIGTERM stops it; uploads go on where
        they were when it is back. SIGHUP makes it read its configuration again. See pushd(8).

        """
}

/// A command line that cannot be understood.
struct UsageError: Error, Equatable, CustomStringConvertible {
    let reason: String

    var description: String { reason }
}
