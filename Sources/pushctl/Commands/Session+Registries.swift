internal import Control

/// Commands about registries as the daemon sees them.
extension Session {
    func limit(_ registry: String?, _ change: Command.LimitChange?) async throws -> Int32 {
        var input = Limit.Input(registry: registry)
        switch change {
        case nil: break
        case .set(let bytes): (input.change, input.bytesPerSecond) = ("set", bytes)
        case .lift: input.change = "lift"
        case .useConfigured: input.change = "default"
        }
        let output = try await call(Limit.self, input)
        if json {
            try console.printJSON(output)
            return ExitStatus.done
        }
        let width = output.limits.reduce(0) { max($0, ($1.registry ?? Self.allTogether).displayWidth) }
        try console.print(
            output.limits.map { limit in
                var line = Line((limit.registry ?? Self.allTogether).padding(to: width + 2), .bold)
                line.append(speed(limit.bytesPerSecond))
                if limit.byHand {
                    line.append("  set by hand; configured for now: \(speed(limit.configured))", .dim)
                }
                return line
            })
        return ExitStatus.done
    }

    private static let allTogether = "all together"

    private func speed(_ bytesPerSecond: Int?) -> String {
        bytesPerSecond.map { formatBytes(Int64($0)) + "/s" } ?? "no limit"
    }

    func doctor(_ registry: String?, _ login: Command.PushLogin) async throws -> Int32 {
        var status = ExitStatus.done
        let (client, own) = try await connect(with: login, for: "doctor")
        var input = Doctor.Input(registry: registry)
        (input.login, input.loginFiles) = try own.parameters(for: registry.map { [self.registry(of: $0)] } ?? [])
        var last: String?
        for try await reply in client.stream(Doctor.self, input) {
            guard let step = reply.step else {
                last = last ?? reply.registry
                break
            }
            if step.outcome == "bad" { status = ExitStatus.failed }
            if json {
                let isOneOfMany = registry == nil && !reply.registry.isEmpty
                try console.printJSON(DoctorDocument(step: step, registry: isOneOfMany ? reply.registry : nil))
            } else {
                if registry == nil, reply.registry != last {
                    let title = reply.registry.isEmpty ? "this installation" : reply.registry
                    try console.print((last == nil ? [] : [Line()]) + [Line(title, .bold)])
                }
                try console.print(lines(step))
            }
            last = reply.registry
        }
        guard registry != nil, let name = last, !json else { return status }
        let known = try await call(Registries.self, Registries.Input(registry: name)).registries
        for registry in known where registry.learned?.isEmpty == false {
            let width = console.isTerminal ? console.size().width : nil
            let facts = facts(learnedOf: registry).flatMap { Line("  ").followed(by: $0, width: width) }
            try console.print([Line(), "learned from earlier pushes:"] + facts)
        }
        return status
    }

    private func lines(_ step: DoctorStep) -> [Line] {
        let (sign, style): (String, Line.Style) =
            switch step.outcome {
            case "good": ("ok", .good)
            case "doubtful": ("?", .warning)
            default: ("failed", .bad)
            }
        var line = Line(step.kind.padding(to: 9), .bold)
        line.append(sign.padding(to: 8), style)
        let time = step.time.map { $0 < 1 ? "\(Int(($0 * 1000).rounded())) ms" : formatSpan(seconds: $0) } ?? ""
        line.append(time.padding(to: 10), .dim)
        // On a terminal, long texts stay in their column.
        let indent = 27
        let width = console.isTerminal ? max(console.size().width - indent, 30) : Int.max
        let text = step.text.wrapped(width: width) + (step.advice?.wrapped(width: width) ?? [])
        line.append(text[0])
        return [line] + text.dropFirst().map { Line(String(repeating: " ", count: indent) + $0) }
    }

    func registries(_ registry: String?, forget: Bool) async throws -> Int32 {
        let input = Registries.Input(registry: registry, forget: forget ? true : nil)
        let output = try await call(Registries.self, input)
        if json {
            try console.printJSON(output)
        } else if output.registries.isEmpty {
            try console.print("no registries yet: push an image with: pushctl push IMAGE REGISTRY/REPOSITORY:TAG")
        } else {
            for (place, registry) in output.registries.enumerated() {
                try console.print((place > 0 ? [Line()] : []) + lines(registry))
            }
        }
        return ExitStatus.done
    }

    private func lines(_ registry: RegistryInfo) -> [Line] {
        var lines = [Line(registry.name, .bold)]
        let width = console.isTerminal ? console.size().width : nil
        func add(_ title: String, _ line: Line) {
            lines += Line("  " + title.padding(to: 9), .dim).followed(by: line, width: width)
        }
        add("state", state(of: registry))
        add("login", Line(registry.login ?? "none: it is asked anonymously"))
        if let limit = registry.bytesPerSecond { add("limit", Line(speed(limit))) }
        let allowance = RegistryWording(registry: registry, now: console.now()).allowance
        if let allowance { add("allows", Line(allowance)) }
        for (place, fact) in facts(learnedOf: registry).enumerated() { add(place == 0 ? "learned" : "", fact) }
        return lines
    }

    private func facts(learnedOf registry: RegistryInfo) -> [Line] {
        (registry.learned ?? []).map { fact in
            Line(fact.text).appending(" (\(formatAge(of: fact.at.milliseconds, now: console.now())))", .dim)
        }
    }

    func state(of registry: RegistryInfo) -> Line { RegistryWording(registry: registry, now: console.now()).standing }
}

/// A step, and of which registry where several are looked at.
private struct DoctorDocument: Encodable {
    let step: DoctorStep
    let registry: String?

    private enum Keys: String, CodingKey { case registry }

    func encode(to encoder: any Encoder) throws {
        try step.encode(to: encoder)
        var container = encoder.container(keyedBy: Keys.self)
        try container.encodeIfPresent(registry, forKey: .registry)
    }
}
