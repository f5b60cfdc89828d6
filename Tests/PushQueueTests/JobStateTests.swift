import Testing

@testable import PushQueue

@Suite("The states of a job")
struct JobStateTests {
    /// All moves that there are, written down once more; whatever is not here must not happen.
    static let moves: [JobState: [JobEvent: JobState]] = [
        .queued: [.claim: .running, .cancel: .canceled, .supersede: .superseded, .expire: .failed],
        .running: [
            .succeed: .succeeded, .fail: .failed, .postpone: .waiting, .block: .blocked, .giveBack: .queued,
            .recover: .queued, .cancel: .canceled, .supersede: .superseded, .expire: .failed,
        ],
        .waiting: [
            .claim: .running, .cancel: .canceled, .supersede: .superseded, .expire: .failed, .retry: .queued,
        ],
        .blocked: [
            .unblock: .queued, .retry: .queued, .cancel: .canceled, .supersede: .superseded, .expire: .failed,
        ],
        .failed: [.retry: .queued],
        .canceled: [.retry: .queued],
        .succeeded: [:],
        .superseded: [:],
    ]

    @Test("change only along the table", arguments: JobState.allCases)
    func table(state: JobState) {
        for event in JobEvent.allCases {
            #expect(state.after(event) == Self.moves[state]?[event], "\(state) on \(event)")
        }
    }

    @Test("are reached from queued, each of them")
    func reachable() {
        var reached: Set<JobState> = [.queued]
        for _ in JobState.allCases {
            for state in reached {
                for event in JobEvent.allCases { state.after(event).map { _ = reached.insert($0) } }
            }
        }
        #expect(reached == Set(JobState.allCases))
    }

    @Test("are pending or ended, and an ended job never runs without being queued again")
    func ended() {
        #expect(JobState.allCases.filter(\.isPending) == [.queued, .running, .waiting, .blocked])
        for state in JobState.allCases where state.isEnded {
            let next = JobEvent.allCases.compactMap { state.after($0) }
            #expect(next.allSatisfy { $0 == .queued })
        }
    }
}
