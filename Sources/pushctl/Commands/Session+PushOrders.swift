internal import Control

/// Handing pushes in: one from the command line, or those of a list.
extension Session {
    /// One call of `Push`.
    struct PushOrder: Sendable {
        var image: String
        var destinations: [String]
        /// Where it stands in a list, for messages; nil: on the command line.
        var place: String?
    }

    /// What became of the orders.
    struct Accepted: Sendable {
        /// Each once, also where several lines of a list mean the same.
        var jobs: [JobInfo] = []
        var plan: [PlannedPush] = []
        /// What was named and is not pushed.
        var leftOut: [LeftOutImage] = []
        /// Lines of a list that the daemon refused; each was reported on standard error.
        var refused = 0

        mutating func add(_ output: Push.Output) {
            for job in output.jobs where !jobs.contains(where: { $0.id == job.id }) { jobs.append(job) }
            plan += output.plan ?? []
            leftOut += output.leftOut ?? []
        }
    }

    /// - Throws: ``UsageError`` where a list has a fault, ``Failure`` where it can't be read.
    func orders(of push: Command.Push) throws -> [PushOrder] {
        guard let source = push.list else { return [PushOrder(image: push.image, destinations: push.destinations)] }
        return try PushList(parsing: try text(of: source), from: source).pushes.map {
            PushOrder(image: $0.image, destinations: $0.destinations, place: "\(source.name), line \($0.line)")
        }
    }

    private func text(of source: PushList.Source) throws -> String {
        let longest = PushList.longest
        let bytes: [UInt8]?
        if source.isStandardInput {
            bytes = console.questions.readAll(longest)
        } else {
            let path = source.file.hasPrefix("/") ? source.file : source.directory + "/" + source.file
            do { bytes = try readFile(path, atMost: longest) } catch {
                throw Failure(
                    "the list \(source.name) can't be read: \(error.reason)",
                    advice: "name a file that is there, or - for standard input", status: ExitStatus.failed)
            }
        }
        guard let bytes, let text = String(validating: bytes, as: UTF8.self) else {
            throw Failure(
                "the list \(source.name) is longer than \(longest >> 20) MiB, or no text", status: ExitStatus.failed)
        }
        return text
    }

    /// Hands the orders in, one after the other: of two for the same destination the later one is the newer push.
    ///
    /// A refused line of a list is reported, and does not stop the others.
    ///
    /// - Throws: what the daemon or the connection failed with, after reporting which lines of a list were not sent.
    func accept(
        _ orders: [PushOrder], _ push: Command.Push, _ login: OwnLogin, over client: ControlClient
    ) async throws -> Accepted {
        var accepted = Accepted()
        for order in orders {
            do {
                let input = try await input(for: order, push, login, over: client)
                accepted.add(try await client.call(Push.self, input))
            } catch let error as ControlError where order.place != nil && error.isAboutThisPush {
                accepted.refused += 1
                if json { try console.printJSON(RefusedDocument(order, error)) }
                console.complain("\(order.place ?? ""): \(error.message)", advice: error.advice)
            } catch {
                if let place = order.place {
                    let jobs = accepted.jobs.map { "\($0.id)" }.joined(separator: " ")
                    console.complain(
                        "\(place), and what follows it, was not sent",
                        advice: jobs.isEmpty
                            ? nil : "what was accepted before goes on; see with: pushctl status \(jobs)")
                }
                throw error
            }
        }
        return accepted
    }

    /// The call for one order. Of the caller's files it holds the logins for its registries alone: which these are, the
    /// daemon says, because it knows the aliases.
    private func input(
        for order: PushOrder, _ push: Command.Push, _ login: OwnLogin, over client: ControlClient
    ) async throws -> Push.Input {
        var input = Push.Input(
            image: order.image, destinations: order.destinations.isEmpty ? nil : order.destinations,
            platforms: push.platforms.isEmpty ? nil : push.platforms, priority: push.priority,
            verify: push.verify, force: push.force ? true : nil, dryRun: push.dryRun ? true : nil,
            allTags: push.allTags ? true : nil, timeout: push.timeout?.inSeconds, format: push.format)
        guard case .files = login else {
            (input.login, input.loginFiles) = try login.parameters(for: [])
            return input
        }
        // That there will be logins, and none yet: all that a plan needs.
        var plan = input
        (plan.dryRun, plan.loginFiles) = (true, [])
        if push.dryRun { return plan }
        input.loginFiles = try login.parameters(for: try await registries(of: plan, over: client)).files
        return input
    }

    /// Where a push would go.
    private func registries(of plan: Push.Input, over client: ControlClient) async throws -> Set<String> {
        func registry(_ destination: String) -> String { String(destination.prefix { $0 != "/" }) }
        do {
            let answer = try await client.call(Push.self, plan)
            return Set((answer.plan ?? []).map { registry($0.destination) })
        } catch let error as ControlError where error.code == "namespace-missing" {
            // Only the login tells the namespace, and only Docker Hub takes no image without one.
            return Set((plan.destinations ?? []).map(registry)).union(["docker.io"])
        }
    }

    /// A line of a list that the daemon refused: `{"place":…,"image":…,"error":{…}}`.
    private struct RefusedDocument: Encodable {
        let place: String?
        let image: String
        let error: JobErrorDocument

        init(_ order: PushOrder, _ error: ControlError) {
            place = order.place
            image = order.image
            self.error = JobErrorDocument(error: JobErrorInfo(error))
        }
    }
}

extension ControlError {
    /// Whether the error concerns this push alone, so that another push may be accepted.
    fileprivate var isAboutThisPush: Bool {
        switch kind {
        case .imageNotFound, .imageInvalid, .destinationMissing, .referenceInvalid, .remoteNotFound, .registryFailed,
            .refused, .notAllowed, .failed, .parameterInvalid, .invalidParameter:
            true
        case .jobNotFound, .timedOut, .queueUnavailable, .stopping, .messageRejected, .tooManyConnections,
            .permissionDenied, .interfaceNotFound, .methodNotFound, .methodNotImplemented, .expectedMore, .unknown:
            false
        }
    }
}
