internal import Control

extension Session {
    func status(_ status: Command.Status) async throws -> Int32 {
        if status.watch { return try await watch(status) }
        let client = try await daemon.connect()
        let screen = try await screen(for: status, over: client)
        if screen.jobs.isEmpty, screen.left.count == 1, let only = screen.left.first { throw Failure(only) }
        if json || !screen.jobs.isEmpty || status.jobs.isEmpty { try show(screen, for: status) }
        return json ? self.status(of: screen.left) : complain(of: screen.left)
    }

    /// What there is to show now.
    func screen(for status: Command.Status, over client: ControlClient) async throws -> StatusScreen {
        let isChosen = !status.jobs.isEmpty || !status.states.isEmpty || status.user != nil
        let list = isChosen ? try await chosenJobs(status, over: client) : try await jobsInHand(status, over: client)
        // Those that jobs go to; scripts get them only with the whole queue.
        let wantsRegistries = !json || !isChosen
        let daemon = wantsRegistries ? try await client.call(Control.Status.self, Control.Status.Input()) : nil
        return StatusScreen(
            jobs: list.jobs, counts: list.counts, registries: daemon?.registries ?? [], isChosen: isChosen,
            states: status.states, left: list.left ?? [], warnings: daemon?.warnings ?? [])
    }

    private func chosenJobs(_ status: Command.Status, over client: ControlClient) async throws -> List.Output {
        let states = status.states.isEmpty ? nil : status.states
        guard !status.jobs.isEmpty else {
            return try await newest(states, of: status.user, atMost: status.limit ?? 50, over: client)
        }
        var list = try await list(
            status.jobs, states: states, of: status.user, withBlobs: json ? true : nil, over: client)
        if let limit = status.limit { list.jobs = Array(list.jobs.prefix(limit)) }
        return list
    }

    /// The jobs in hand, and then the latest that have ended.
    private func jobsInHand(_ status: Command.Status, over client: ControlClient) async throws -> List.Output {
        let room = status.limit ?? (isOnScreen ? console.size().height : 50)
        var list = List.Output(jobs: [], counts: [:])
        // A screen shows the jobs of most interest; scripts get the newest jobs of all open states.
        for states in (isOnScreen ? JobStates.byInterest : [JobStates.open]) + [JobStates.ended] {
            let isEnd = states == JobStates.ended
            let limit = isEnd && status.limit == nil ? 10 : room - list.jobs.count
            guard limit > 0 else { break }
            let next = try await newest(states, atMost: limit, over: client)
            // A job may have changed its state between two answers: the later one is the newer.
            let newer = Set(next.jobs.map(\.id))
            list.jobs = list.jobs.filter { !newer.contains($0.id) } + next.jobs
            list.counts = next.counts
        }
        return list
    }

    /// The newest jobs in some states, in as many calls as it takes.
    private func newest(
        _ states: [String]?, of user: String? = nil, atMost limit: Int, over client: ControlClient
    ) async throws -> List.Output {
        var list = List.Output(jobs: [], counts: [:])
        while true {
            let room = min(limit - list.jobs.count, Self.piece)
            let input = List.Input(
                states: states, user: user, limit: room, before: list.jobs.last?.id, withBlobs: json ? true : nil)
            let page = try await client.call(List.self, input)
            list.jobs += page.jobs
            list.counts = page.counts
            if page.jobs.count < room || list.jobs.count >= limit { return list }
        }
    }

    /// Whether a person's terminal shows it.
    private var isOnScreen: Bool { console.isTerminal && !json }

    func show(_ screen: StatusScreen, for status: Command.Status) throws {
        if json { return try console.printJSON(StatusDocument(screen)) }
        let size = isOnScreen ? console.size() : nil
        // Below it stands the prompt. What was chosen, or is to be so many, is shown whole.
        let height = screen.isChosen || status.limit != nil ? nil : size.map { max($0.height - 1, 1) }
        try console.print(screen.lines(width: size?.width, height: height, surroundings))
    }

    var surroundings: StatusScreen.Surroundings {
        StatusScreen.Surroundings(now: console.now(), glyphs: console.glyphs, localTime: console.localTime)
    }
}

/// `{"counts":{…},"jobs":[…],"registries":[…]}`, and `"left"` where jobs were named that there are not.
private struct StatusDocument: Encodable {
    let jobs: [JobDocument]
    let left: [LeftDocument]?
    let counts: [String: Int]
    let registries: [RegistryInfo]
    let warnings: [String]?

    init(_ screen: StatusScreen) {
        registries = screen.registries
        warnings = screen.warnings.isEmpty ? nil : screen.warnings
        jobs = screen.jobs.map(JobDocument.init)
        counts = screen.counts
        left = screen.left.isEmpty ? nil : screen.left.map(LeftDocument.init)
    }
}
