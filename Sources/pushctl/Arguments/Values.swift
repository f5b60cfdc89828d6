internal import Control

/// A time span as people type it, see ``Quantity/seconds(_:)``.
///
/// - Returns: nil unless it is one, above zero and at most 366 days.
func parseDuration(_ text: String) -> Duration? {
    guard let seconds = Quantity.seconds(text), seconds > 0, seconds <= 366.0 * 86_400 else { return nil }
    return .seconds(seconds)
}

extension Command.EventStart {
    /// A whole number is an event's, RFC 3339 is a time, `10m` is so long ago; nil unless it is one of these.
    init?(_ text: String) {
        if text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let id = Int(text) {
            self = .after(id)
        } else if let time = try? Timestamp(parsing: text) {
            self = .time(time.milliseconds)
        } else if let span = parseDuration(text) {
            self = .ago(span)
        } else {
            return nil
        }
    }
}

extension Command.LimitChange {
    /// `20MB/s`, `500k`, `none`, `default`; nil unless it is one of these.
    init?(_ text: String) {
        switch text {
        case "none": self = .lift
        case "default": self = .useConfigured
        default:
            guard let bytes = Quantity.bytesPerSecond(text), bytes >= 1000 else { return nil }
            self = .set(Int(bytes))
        }
    }
}

/// The files in which docker and the containers tools keep a person's logins, in the order in which they count.
///
/// Source: containers/image, containers-auth.json(5); docker/cli, cli/config.
func loginFiles(_ environment: [String: String]) -> [String] {
    func variable(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
    if let only = variable("REGISTRY_AUTH_FILE") { return [only] }
    let home = variable("HOME")
    let containers = [variable("XDG_RUNTIME_DIR"), variable("XDG_CONFIG_HOME") ?? home.map { $0 + "/.config" }]
        .compactMap { $0.map { $0 + "/containers/auth.json" } }
    let docker = (variable("DOCKER_CONFIG") ?? home.map { $0 + "/.docker" }).map { $0 + "/config.json" }
    return containers + (docker.map { [$0] } ?? [])
}

/// The image as it is sent to the daemon, which does not know this process's working directory.
///
/// The path after `oci:`, `oci-archive:`, `docker-archive:` and `dir:` is made absolute; `~/` is the home directory, because
/// shells leave it alone there. Everything else goes as it is: the daemon knows its stores.
///
/// - Throws: ``UsageError`` for an empty name, a scheme without a path, and a path without a scheme.
func absoluteImage(_ image: String, directory: String, home: String?) throws(UsageError) -> String {
    guard !image.isEmpty else { throw UsageError("the image's name is empty") }
    for scheme in ["oci:", "oci-archive:", "docker-archive:", "dir:"] where image.hasPrefix(scheme) {
        var path = image.dropFirst(scheme.count)
        guard !path.isEmpty, !path.hasPrefix(":") else {
            throw UsageError("\"\(image)\" names no path", advice: "write: \(scheme)PATH[:REF]")
        }
        if path.hasPrefix("/") { return image }
        if path.hasPrefix("~/"), let home, home.hasPrefix("/") { return scheme + home + path.dropFirst(1) }
        while path.hasPrefix("./") { path = path.dropFirst(2).drop { $0 == "/" } }
        let base = directory == "/" ? "" : directory
        if path == "." || path.isEmpty { return scheme + (base.isEmpty ? "/" : base) }
        if path.hasPrefix(".:") { return scheme + (base.isEmpty ? "/" : base) + path.dropFirst(1) }
        return scheme + base + "/" + path
    }
    if image.hasPrefix("/") || image.hasPrefix("./") || image.hasPrefix("../") || image.hasPrefix("~/") {
        throw UsageError(
            "\"\(image)\" is a path, not the name of an image", advice: "for an OCI image layout write: oci:\(image)")
    }
    return image
}

/// Refuses only what no daemon could understand: the rest depends on its configuration.
///
/// - Throws: ``UsageError``.
func checkReference(_ text: String) throws(UsageError) {
    guard !text.isEmpty else { throw UsageError("a name is empty", advice: "write HOST[:PORT]/REPOSITORY[:TAG]") }
    if let scheme = ["docker://", "https://", "http://"].first(where: text.hasPrefix) {
        throw UsageError(
            "\"\(text)\" is an address, not a name", advice: "leave out \(scheme): \(text.dropFirst(scheme.count))")
    }
}
