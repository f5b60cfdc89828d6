/// `org.pushd.Control` in Varlink's language. A test holds it against the messages.
let controlInterfaceDescription = """
    # Controls pushd, which publishes container images: pushes are jobs that survive restarts and outages.
    #
    # Times are RFC 3339 text in UTC with milliseconds, durations seconds, sizes bytes, digests 'sha256:' and 64
    # hexadecimal digits. Replies come in the order of the calls. Strings that name a state, an outcome or a kind may
    # take further values in later versions.
    interface org.pushd.Control

    # A push of one image to one destination.
    type Job (
      id: int,
      # queued, running, waiting (tried again at nextAttemptAt), blocked (a person must act, see error.advice),
      # succeeded, failed, canceled or superseded
      state: string,
      # the local image as the user named it
      image: string,
      # the store where it was found
      source: string,
      # what is pushed: what the name meant when the job was accepted, unless sourceDigest is there
      digest: string,
      # what the name meant, where another image is pushed: of some platforms, or in another format
      sourceDigest: ?string,
      # docker or oci, where the manifests were written anew in that format
      format: ?string,
      # what that format has no place for
      leftOut: ?string,
      # fully qualified
      destination: string,
      # command or rule
      origin: string,
      # higher goes first
      priority: int,
      # the verification asked for: none, manifest, blobs or deep
      verify: string,
      # the verification that the registry's copy has passed
      verified: ?string,
      attempts: int,
      createdAt: string,
      updatedAt: string,
      startedAt: ?string,
      endedAt: ?string,
      nextAttemptAt: ?string,
      error: ?JobError,
      # what an unfinished job waits for
      waitsFor: ?string,
      # the newer job for the same destination
      supersededBy: ?int,
      bytesTotal: int,
      bytesUploaded: int,
      bytesMounted: int,
      bytesExisting: int,
      # absent in a list that was asked for without them
      blobs: ?[]Blob
    )

    # A manifest, config or layer of a job, and what became of it.
    type Blob (
      digest: string,
      size: int,
      mediaType: string,
      # manifest, config or layer
      role: string,
      # pending, uploaded, mounted, existing, shared or skipped
      outcome: string,
      # how much of it the registry has, as far as is known
      bytesDone: int,
      # where it came from
      detail: ?string,
      # how much of bytesDone the registry has not kept, while it is sent again
      sentAgain: ?int
    )

    # Why a job or an attempt failed.
    type JobError (
      # a short word for programs
      code: string,
      message: string,
      # what a person can do
      advice: ?string
    )

    # A job that a call named and that was left as it is, and why.
    type LeftJob (job: int, error: JobError)

    # One attempt at a job.
    type Attempt (
      number: int,
      startedAt: string,
      # absent while it runs
      endedAt: ?string,
      error: ?JobError,
      bytesSent: int
    )

    # What a push would do to one destination.
    type PlannedPush (
      image: string,
      source: string,
      digest: string,
      # these three as in Job
      sourceDigest: ?string,
      format: ?string,
      leftOut: ?string,
      mediaType: string,
      destination: string,
      platforms: []string,
      # the pending job that it would join
      job: ?int,
      # the pending jobs that it would supersede
      supersedes: []int,
      bytesTotal: int,
      # with the outcome that is known without asking the registry
      blobs: []Blob
    )

    # Something that a push was asked for and does not bring, such as a tag that no registry takes.
    type LeftOutImage (
      # as it can be pushed by itself, with a destination
      image: string,
      reason: string,
      # what a person can do
      advice: ?string
    )

    type VerifyReport (
      reference: string,
      digest: string,
      verified: bool,
      problems: []VerifyProblem,
      # how many distinct blobs were looked at, and their sizes together
      blobs: int,
      bytes: int,
      # manifest, blobs or deep
      level: string
    )

    type VerifyProblem (
      # a short word for programs
      kind: string,
      digest: string,
      message: string
    )

    # One platform of an image, OS/ARCH[/VARIANT], and its manifest.
    type ImagePlatform (
      platform: string,
      digest: string,
      size: int
    )

    # An image of a local store, and where it was pushed.
    type LocalImage (
      # the name to push it by
      name: string,
      names: []string,
      store: string,
      digest: string,
      mediaType: string,
      # bytes of its blobs; absent where the image is not whole
      size: ?int,
      pushed: []Publication
    )

    # A store that cannot be read, and why.
    type UnreadableStore (store: string, error: JobError)

    type Publication (
      destination: string,
      digest: string,
      at: string,
      job: int
    )

    # Something that happened.
    type Event (
      # numbers have no gaps and never come twice; of a loss: that of the last event that is missing
      id: int,
      at: string,
      # job: a job is new or in another state; registry-paused, registry-resumed: by a person; registry-trouble,
      # registry-recovered; configuration-reloaded, configuration-refused; login, logout; lost: events are missing here,
      # because they are no longer kept
      kind: string,
      job: ?int,
      state: ?string,
      image: ?string,
      destination: ?string,
      # absent for jobs, and where it is about all registries
      registry: ?string,
      # of the error that led to it, for programs
      code: ?string,
      message: ?string,
      # how many events were lost; absent where that is not known
      count: ?int
    )

    # A registry that the daemon works with.
    type Registry (
      # host and port
      name: string,
      # absent where it is not paused, paused until resumed, or being tried at this moment
      pausedUntil: ?string,
      # when its present trouble began; absent where there is none
      pausedSince: ?string,
      # why it is paused; absent where it is not
      reason: ?string,
      # how many jobs run
      running: int,
      # how many jobs are queued or waiting for it
      waiting: ?int,
      # whether a person has paused it
      held: ?bool,
      # requests that it says it allows, in all and still, in a period in seconds
      requestsAllowed: ?int,
      requestsLeft: ?int,
      requestsPeriod: ?float,
      # its own limit of bandwidth
      bytesPerSecond: ?int,
      # whose login is used, and where it is kept; only from Registries
      login: ?string,
      # only from Registries
      learned: ?[]Learned
    )

    # Something that a registry has shown by what it does.
    type Learned (
      name: string,
      value: string,
      # for people
      text: string,
      at: string
    )

    # How fast bodies may be sent, to one registry or to all together.
    type Limit (
      registry: ?string,
      # absent: no limit
      bytesPerSecond: ?int,
      # what would hold now if nothing were set by hand
      configured: ?int,
      byHand: bool
    )

    # One step of the way to a registry, or one part of the installation.
    type DoctorStep (
      # resolve, connect, tls, api, login, token or push; of the installation state, store, logins, clock or limits
      kind: string,
      # good, doubtful or bad
      outcome: string,
      text: string,
      advice: ?string,
      # seconds
      time: ?float
    )

    # A user and a password, or a token in its place.
    type JobLogin (user: string, password: string)

    # A file in which docker or the containers tools keep logins.
    type LoginFile (path: string, content: string)

    # Accepts one job for each destination; the reply comes when they are on disk. With no destination the image's own
    # name is one. Calls that follow each other without waiting for a reply may be accepted in any order.
    method Push(
      image: string,
      destinations: ?[]string,
      platforms: ?[]string,
      priority: ?int,
      verify: ?string,
      force: ?bool,
      # accepts nothing and answers with the plan
      dryRun: ?bool,
      # every tag of the image's name
      allTags: ?bool,
      # seconds from acceptance until the job counts as failed
      timeout: ?float,
      # for these jobs only, in place of the daemon's own; kept in memory only
      login: ?JobLogin,
      # in its place: the caller's login files, of which those for the destinations are taken
      loginFiles: ?[]LoginFile,
      # docker or oci: manifests are written in that format
      format: ?string
    ) -> (
      jobs: []Job,
      plan: ?[]PlannedPush,
      # what has the name too and is not pushed; absent: nothing
      leftOut: ?[]LeftOutImage
    )

    # Tells of every change to some jobs, their present states first. The last reply is the one after which all have
    # ended. To be called with 'more'.
    method Follow(jobs: []int) -> (job: Job)

    # Jobs, newest first, and how many there are in each state.
    method List(
      states: ?[]string,
      jobs: ?[]int,
      # host and port
      registry: ?string,
      limit: ?int,
      # only older jobs than this one
      before: ?int,
      withBlobs: ?bool,
      # named jobs that there are not are told in left, instead of failing the call
      partial: ?bool
    ) -> (jobs: []Job, counts: [string]int, left: ?[]LeftJob)

    # One job whole.
    method Show(job: int) -> (job: Job, attempts: []Attempt)

    # Answers when the jobs have ended.
    method Wait(jobs: []int, timeout: ?float) -> (jobs: []Job)

    # Ends jobs that have not ended; the others stay as they are. If one is not there, none is ended; with partial it is told
    # in left, and the rest is ended.
    method Cancel(jobs: []int, partial: ?bool) -> (jobs: []Job, left: ?[]LeftJob)

    # Queues jobs again, at once: those named, or every failed and blocked one. Answers with those it did it to, and with
    # those that were left as they are. With partial, none of these fails the call.
    method Retry(jobs: ?[]int, failed: ?bool, partial: ?bool) -> (jobs: []Job, left: ?[]LeftJob)

    # Checks an image in a registry, at a level (manifest, blobs or deep), and against a local image if one is named.
    method Verify(reference: string, against: ?string, level: ?string) -> (report: VerifyReport)

    # An image's manifest as the registry has it, in Base64. With raw, only that is wanted.
    method Inspect(reference: string, raw: ?bool) -> (
      reference: string,
      digest: string,
      mediaType: string,
      size: int,
      platforms: []ImagePlatform,
      manifest: string
    )

    # The tags of a repository as the registry gives them, some in each reply; the last reply has none. To be called with
    # 'more'.
    method Tags(repository: string, limit: ?int) -> (tags: []string)

    # The repositories of a registry, as Tags does it.
    method Repositories(registry: string, limit: ?int) -> (repositories: []string)

    # Checks a login against its registry and keeps it where the daemon looks for logins; blocked jobs for the registry go
    # on. Without a registry the default one is meant.
    method Login(registry: ?string, user: string, password: string) -> (
      registry: string,
      place: string,
      jobs: []int,
      # False where the registry asks for no login, and so user and password may be wrong.
      asked: ?bool
    )

    # Forgets it: where it was, and where there is another one.
    method Logout(registry: ?string) -> (registry: string, place: ?string, remaining: ?string)

    # The local images of all stores, and where each was pushed. The images of unreadable stores are missing; where no
    # store can be read, that is an error.
    method Images() -> (images: []LocalImage, unreadable: ?[]UnreadableStore)

    # What has happened: after an event, since a time, or all that is kept; and with follow what happens from then on, or
    # with follow alone from now on. Without follow the last reply has no event. To be called with 'more'.
    method Events(follow: ?bool, since: ?string, after: ?int) -> (event: ?Event)

    # The daemon itself.
    method Status() -> (
      version: string,
      pid: int,
      startedAt: string,
      counts: [string]int,
      registries: []Registry,
      stateDirectory: string,
      stores: []string,
      # what is wrong with the daemon's own machine, such as a full disk
      warnings: ?[]string
    )

    # Begins no more jobs for a registry, or for any; those that run go on.
    method Pause(registry: ?string) -> (registries: []Registry)

    # Takes a pause back.
    method Resume(registry: ?string) -> (registries: []Registry)

    # How fast bodies may be sent. A change is set, lift (no limit) or default (as configured); what is changed holds until
    # the daemon ends.
    method Limit(registry: ?string, change: ?string, bytesPerSecond: ?int) -> (limits: []Limit)

    # What is known of all registries, or of one; with forget, what was learned about the one is found out anew.
    method Registries(registry: ?string, forget: ?bool) -> (registries: []Registry)

    # Goes the way of a push, as far as opening an upload and giving it up; without a registry it looks at this
    # installation, whose steps name no registry, and then at every registry that is known. The last reply has no step. To
    # be called with 'more'.
    method Doctor(registry: ?string) -> (registry: string, step: ?DoctorStep)

    # Every error has a sentence for people, what they can do about it, and a short word for programs, which says more than
    # the error's name: docs/errors.md lists the words, and later versions may add to them.

    # There is no such local image.
    error ImageNotFound (message: string, advice: ?string, code: string)

    # The local image, or its store, is broken.
    error ImageInvalid (message: string, advice: ?string, code: string)

    # The image's name says no registry, and none is configured.
    error DestinationMissing (message: string, advice: ?string, code: string)

    # The text is no image reference.
    error ReferenceInvalid (message: string, advice: ?string, code: string)

    error JobNotFound (message: string, advice: ?string, code: string)

    # The registry has no such image.
    error RemoteNotFound (message: string, advice: ?string, code: string)

    # The registry could not be asked.
    error RegistryFailed (message: string, advice: ?string, code: string)

    # The job's state does not allow it.
    error Refused (message: string, advice: ?string, code: string)

    error TimedOut (message: string, advice: ?string, code: string)

    # The queue's disk is full or broken; nothing was accepted.
    error QueueUnavailable (message: string, advice: ?string, code: string)

    # The daemon is stopping. Accepted jobs go on when it runs again.
    error Stopping (message: string, advice: ?string, code: string)

    # A fault that has no name of its own.
    error Failed (message: string, advice: ?string, code: string)

    # The message is no call; the connection is closed.
    error MessageRejected (message: string, advice: ?string, code: string)

    # The daemon serves as many connections as it may; this one is closed.
    error TooManyConnections (message: string, advice: ?string, code: string)

    """
