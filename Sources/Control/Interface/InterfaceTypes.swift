/// The first part of ``controlInterfaceDescription``: what it is, and its types.
let interfaceTypes = """
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
      blobs: ?[]Blob,
      # absent: a rule
      askedBy: ?Asker,
      # true: another user's, and the caller is no operator; there are only its id, its state, its times and its registry,
      # which stands for the destination
      hidden: ?bool
    )

    # Who asked for something: a user, by number and where it is known by name, and the process.
    type Asker (uid: int, name: ?string, pid: int)

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
      # registry-recovered; image-left-out: a rule names an image that can't be published; configuration-reloaded,
      # configuration-refused; login, logout; lost: events are missing here, because they are no longer kept
      kind: string,
      job: ?int,
      state: ?string,
      image: ?string,
      destination: ?string,
      # absent for jobs that the caller sees whole, and where it is about all registries
      registry: ?string,
      # of the error that led to it, for programs
      code: ?string,
      message: ?string,
      # how many events were lost; absent where that is not known
      count: ?int,
      # of a job's event who asked for it, else who caused the event; absent: a rule, or the daemon
      askedBy: ?Asker
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
      # whose login is used, and where it is kept; only from Registries, unless it is brief
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
      # resolve, connect, tls, api, login, token or push; of the installation state, socket, logins, clock, limits or store
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


    """
