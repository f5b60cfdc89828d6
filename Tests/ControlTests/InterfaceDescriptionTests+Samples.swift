@testable import Control

extension InterfaceDescriptionTests {
    private static let moment = Timestamp(milliseconds: 0)

    private static let bareJob = JobInfo(
        id: 1, state: "queued", image: "a", source: "s", digest: "d", destination: "e", origin: "command", priority: 0,
        verify: "none", attempts: 0, createdAt: moment, updatedAt: moment, bytesTotal: 0, bytesUploaded: 0,
        bytesMounted: 0, bytesExisting: 0)

    private static let bareBlob = BlobInfo(
        digest: "d", size: 1, mediaType: "m", role: "layer", outcome: "o", bytesDone: 0)

    private static let registries = [
        RegistryInfo(
            name: "r", pausedUntil: moment, pausedSince: moment, reason: "x", running: 1, waiting: 2, held: true,
            requestsAllowed: 2, requestsLeft: 1, requestsPeriod: 0.5, bytesPerSecond: 3, login: "l",
            learned: [LearnedInfo(name: "n", value: "v", text: "t", at: moment)])
    ]

    private static let left = [LeftJob(job: 1, error: JobErrorInfo(code: "c", message: "m", advice: "a"))]

    private static let login = JobLogin(user: "u", password: "p")
    private static let files = [LoginFile(path: "/f", content: "{}")]

    /// For each method: everything set, then only what must be.
    static let samples: [Sample] = [
        Sample(
            Push.self,
            [
                Push.Input(
                    image: "a", destinations: ["b"], platforms: ["linux/amd64"], priority: 1, verify: "deep",
                    force: true,
                    dryRun: true, allTags: true, timeout: 0.5, login: JobLogin(user: "u", password: "p"),
                    loginFiles: [LoginFile(path: "/f", content: "{}")], format: "docker"),
                Push.Input(image: "a"),
            ],
            [
                Push.Output(
                    jobs: [.sample()],
                    plan: [
                        PlannedPush(
                            image: "a", source: "s", digest: "d", mediaType: "m", destination: "e", platforms: ["p"],
                            job: 1,
                            supersedes: [2], bytesTotal: 3, blobs: [.sample], sourceDigest: "c", format: "docker",
                            leftOut: "x")
                    ], leftOut: [LeftOutImage(image: "i", reason: "r", advice: "a")]),
                Push.Output(jobs: [bareJob]),
            ]),
        Sample(
            Follow.self, [Follow.Input(jobs: [1]), Follow.Input(jobs: [])],
            [Follow.Output(job: .sample()), Follow.Output(job: bareJob)]),
        Sample(
            List.self,
            [
                List.Input(
                    states: ["queued"], jobs: [1], registry: "r", user: "u", limit: 1, before: 2, withBlobs: true,
                    partial: true),
                List.Input(),
            ],
            [
                List.Output(jobs: [.sample()], counts: ["queued": 1], left: left), List.Output(jobs: [], counts: [:]),
            ]),
        Sample(
            Show.self, [Show.Input(job: 1), Show.Input(job: 1)],
            [
                Show.Output(
                    job: .sample(),
                    attempts: [
                        AttemptInfo(
                            number: 1, startedAt: moment, endedAt: moment,
                            error: JobErrorInfo(code: "c", message: "m", advice: "a"), bytesSent: 1)
                    ]),
                Show.Output(job: bareJob, attempts: [AttemptInfo(number: 1, startedAt: moment, bytesSent: 0)]),
            ]),
        Sample(
            Wait.self, [Wait.Input(jobs: [1], timeout: 0.5), Wait.Input(jobs: [1])],
            [Wait.Output(jobs: [.sample()]), Wait.Output(jobs: [bareJob])]),
        Sample(
            Cancel.self, [Cancel.Input(jobs: [1], partial: true), Cancel.Input(jobs: [])],
            [Cancel.Output(jobs: [.sample()], left: left), Cancel.Output(jobs: [])]),
        Sample(
            Retry.self,
            [Retry.Input(jobs: [1], failed: true, partial: true, login: login, loginFiles: files), Retry.Input()],
            [Retry.Output(jobs: [.sample()], left: left), Retry.Output(jobs: [])]),
        Sample(
            Verify.self,
            [
                Verify.Input(reference: "r", against: "a", level: "deep", login: login, loginFiles: files),
                Verify.Input(reference: "r"),
            ],
            [
                Verify.Output(
                    report: VerifyReport(
                        reference: "r", digest: "d", verified: false,
                        problems: [VerifyProblem(kind: "k", digest: "d", message: "m")], blobs: 1, bytes: 2,
                        level: "deep")),
                Verify.Output(
                    report: VerifyReport(
                        reference: "r", digest: "d", verified: true, problems: [], blobs: 0, bytes: 0, level: "deep")),
            ]),
        Sample(
            Inspect.self,
            [Inspect.Input(reference: "r", raw: true, login: login, loginFiles: files), Inspect.Input(reference: "r")],
            [
                Inspect.Output(
                    reference: "r", digest: "d", mediaType: "m", size: 1,
                    platforms: [PlatformInfo(platform: "p", digest: "d", size: 1)], manifest: "e30="),
                Inspect.Output(reference: "r", digest: "d", mediaType: "m", size: 1, platforms: [], manifest: ""),
            ]),
        Sample(
            Tags.self,
            [Tags.Input(repository: "r", limit: 1, login: login, loginFiles: files), Tags.Input(repository: "r")],
            [Tags.Output(tags: ["t"]), Tags.Output(tags: [])]),
        Sample(
            Repositories.self,
            [
                Repositories.Input(registry: "r", limit: 1, login: login, loginFiles: files),
                Repositories.Input(registry: "r"),
            ],
            [Repositories.Output(repositories: ["t"]), Repositories.Output(repositories: [])]),
        Sample(
            Login.self,
            [Login.Input(registry: "r", user: "u", password: "p"), Login.Input(user: "u", password: "p")],
            [
                Login.Output(registry: "r", place: "/f", jobs: [1], asked: false),
                Login.Output(registry: "r", place: "/f", jobs: []),
            ]),
        Sample(
            Logout.self, [Logout.Input(registry: "r"), Logout.Input()],
            [Logout.Output(registry: "r", place: "/f", remaining: "/g"), Logout.Output(registry: "r")]),
        Sample(
            Images.self, [Images.Input(), Images.Input()],
            [
                Images.Output(
                    images: [
                        LocalImageInfo(
                            name: "n", names: ["n"], store: "s", digest: "d", mediaType: "m", size: 1,
                            pushed: [PublicationInfo(destination: "e", digest: "d", at: moment, job: 1)])
                    ],
                    unreadable: [
                        UnreadableStore(store: "s", error: JobErrorInfo(code: "c", message: "m", advice: "a"))
                    ]),
                Images.Output(images: []),
            ]),
        Sample(
            Events.self, [Events.Input(follow: true, since: moment, after: 1), Events.Input()],
            [
                Events.Output(
                    event: EventInfo(
                        id: 1, at: moment, kind: "k", job: 1, state: "s", image: "i", destination: "d", registry: "r",
                        code: "c", message: "m", count: 1, askedBy: AskerInfo(uid: 1, name: "n", pid: 2))),
                Events.Output(event: nil),
            ]),
        Sample(
            Status.self, [Status.Input(), Status.Input()],
            [
                Status.Output(
                    version: "v", pid: 1, startedAt: moment, counts: ["queued": 1], registries: registries,
                    stateDirectory: "/s", stores: ["oci:/x"], warnings: ["w"]),
                Status.Output(
                    version: "v", pid: 1, startedAt: moment, counts: [:],
                    registries: [RegistryInfo(name: "r", running: 0)], stateDirectory: "/s", stores: []),
            ]),
        Sample(
            Pause.self, [Pause.Input(registry: "r"), Pause.Input()],
            [Pause.Output(registries: registries), Pause.Output(registries: [])]),
        Sample(
            Resume.self, [Resume.Input(registry: "r"), Resume.Input()],
            [Resume.Output(registries: registries), Resume.Output(registries: [])]),
        Sample(
            Limit.self,
            [Limit.Input(registry: "r", change: "set", bytesPerSecond: 1), Limit.Input()],
            [
                Limit.Output(limits: [LimitInfo(registry: "r", bytesPerSecond: 1, configured: 2, byHand: true)]),
                Limit.Output(limits: [LimitInfo(byHand: false)]),
            ]),
        Sample(
            Registries.self, [Registries.Input(registry: "r", forget: true, brief: true), Registries.Input()],
            [Registries.Output(registries: registries), Registries.Output(registries: [])]),
        Sample(
            Doctor.self, [Doctor.Input(registry: "r", login: login, loginFiles: files), Doctor.Input()],
            [
                Doctor.Output(
                    registry: "r",
                    step: DoctorStep(kind: "tls", outcome: "good", text: "t", advice: "a", time: 0.5)),
                Doctor.Output(registry: "r"),
            ]),
        Sample(
            GetInfo.self, [GetInfo.Input(), GetInfo.Input()],
            Array(
                repeating: GetInfo.Output(vendor: "v", product: "p", version: "1", url: "u", interfaces: ["i"]),
                count: 2)),
        Sample(
            GetInterfaceDescription.self,
            Array(repeating: GetInterfaceDescription.Input(interface: "i"), count: 2),
            Array(repeating: GetInterfaceDescription.Output(description: "d"), count: 2)),
    ]
}
