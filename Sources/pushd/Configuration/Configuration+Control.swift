import OCI
import Publisher

/// Who may use the control socket, and for what, as the configuration names them.
struct ControlSettings: Sendable, Equatable {
    enum Principal: Sendable, Hashable, CustomStringConvertible {
        case user(String), group(String)

        var description: String {
            switch self {
            case .user(let name): "user \"\(name.prefix(60))\""
            case .group(let name): "group \"\(name.prefix(60))\""
            }
        }
    }

    struct Allowance: Sendable, Equatable {
        let who: Principal
        let to: [DestinationPattern]
    }

    /// How much each member may have at a time.
    struct Quotas: Sendable, Equatable {
        var connections = 16
        /// Jobs that have not ended.
        var jobs = 10_000
        /// Bytes of these jobs' blobs.
        var bytes: Int64 = 1_000_000_000_000
    }

    /// The group whose members may use the socket.
    var group: String?
    /// Who has the daemon's own rights, besides root and its user.
    var operators: [Principal] = []
    /// What members may use of the daemon's own.
    var allow: [Allowance] = []
    var quotas = Quotas()
}

extension Configuration {
    /// - Parameter isKnown: whether this machine has that user or group.
    mutating func readControl(_ section: ConfigurationReader, _ isKnown: (ControlSettings.Principal) -> Bool) {
        var section = section
        func check(_ name: ControlSettings.Principal, _ path: String) {
            guard !isKnown(name) else { return }
            section.faults.add(
                ConfigurationError(path: path, reason: "there is no \(name): make it, or name one that exists"))
        }
        control.group = section.text("group")
        if let group = control.group { check(.group(group), section.place(of: "group")) }
        for item in section.items("operators") {
            guard let name = Self.principal(item.text) else {
                let reason = "a user such as \"alice\" or a group such as \"%wheel\" is wanted"
                section.faults.add(ConfigurationError(path: item.path, reason: reason))
                continue
            }
            check(name, item.path)
            control.operators.append(name)
        }
        for (place, value) in (section.list("allow") ?? []).enumerated() {
            let path = section.place(of: "allow") + "[\(place)]"
            let entry = ConfigurationReader(value, path: path, faults: section.faults)
            if let allowance = Self.allowance(entry, publisher.names, check) { control.allow.append(allowance) }
        }
        var quotas = section.object("quotas")
        control.quotas.connections = quotas.integer("connections", in: 1...200) ?? control.quotas.connections
        control.quotas.jobs = quotas.integer("jobs", in: 1...10_000_000) ?? control.quotas.jobs
        control.quotas.bytes = quotas.bytes("bytes", in: 1...1_000_000_000_000_000) ?? control.quotas.bytes
        quotas.finish()
        section.finish()
    }

    /// `alice`, or `%wheel` for a group, as in sudoers.
    private static func principal(_ text: String) -> ControlSettings.Principal? {
        let name = text.hasPrefix("%") ? String(text.dropFirst()) : text
        guard !name.isEmpty, !name.hasPrefix("%") else { return nil }
        return text.hasPrefix("%") ? .group(name) : .user(name)
    }

    private static func allowance(
        _ reader: ConfigurationReader, _ names: RegistryNames, _ check: (ControlSettings.Principal, String) -> Void
    ) -> ControlSettings.Allowance? {
        var entry = reader
        let (user, group) = (entry.text("user"), entry.text("group"))
        var patterns: [DestinationPattern] = []
        for item in entry.items("to") {
            do { patterns.append(try DestinationPattern(item.text, names: names)) } catch {
                entry.faults.add(ConfigurationError(path: item.path, reason: error.description))
            }
        }
        if entry.hasNoEntries("to") {
            entry.refuse("to", "repositories such as \"registry.example/ci/**\" are wanted")
        }
        entry.finish()
        guard (user == nil) != (group == nil) else {
            entry.faults.add(ConfigurationError(path: entry.path, reason: "one of user and group is wanted"))
            return nil
        }
        let who: ControlSettings.Principal = user.map { .user($0) } ?? .group(group ?? "")
        check(who, entry.place(of: user == nil ? "group" : "user"))
        return ControlSettings.Allowance(who: who, to: patterns)
    }
}
