/// The second part of ``controlInterfaceDescription``: its methods.
let interfaceMethods = """
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
      # by name or number: only what this user asked for
      user: ?string,
      limit: ?int,
      # only older jobs than this one
      before: ?int,
      withBlobs: ?bool,
      # named jobs that there are not are reported in left, instead of failing the call
      partial: ?bool
    ) -> (jobs: []Job, counts: [string]int, left: ?[]LeftJob)

    # One job whole.
    method Show(job: int) -> (job: Job, attempts: []Attempt)

    # Answers when the jobs have ended.
    method Wait(jobs: []int, timeout: ?float) -> (jobs: []Job)

    # Ends jobs that have not ended; the others stay as they are. If one is not there, none is ended; with partial it is
    # reported in left, and the rest is ended.
    method Cancel(jobs: []int, partial: ?bool) -> (jobs: []Job, left: ?[]LeftJob)

    # Queues jobs again, at once: those named, or every failed and blocked one. Answers with those it did it to, and with
    # those that were left as they are. With partial, none of these fails the call. A login, here and below, is used in
    # place of the daemon's own, and kept in memory only.
    method Retry(
      jobs: ?[]int,
      failed: ?bool,
      partial: ?bool,
      login: ?JobLogin,
      loginFiles: ?[]LoginFile
    ) -> (jobs: []Job, left: ?[]LeftJob)

    # Checks an image in a registry, at a level (manifest, blobs or deep), and against a local image if one is named.
    method Verify(
      reference: string,
      against: ?string,
      level: ?string,
      login: ?JobLogin,
      loginFiles: ?[]LoginFile
    ) -> (report: VerifyReport)

    # An image's manifest as the registry has it, in Base64. With raw, only that is wanted.
    method Inspect(reference: string, raw: ?bool, login: ?JobLogin, loginFiles: ?[]LoginFile) -> (
      reference: string,
      digest: string,
      mediaType: string,
      size: int,
      platforms: []ImagePlatform,
      manifest: string
    )

    # The tags of a repository as the registry gives them, some in each reply; the last reply has none. To be called with
    # 'more'.
    method Tags(
      repository: string,
      limit: ?int,
      login: ?JobLogin,
      loginFiles: ?[]LoginFile
    ) -> (tags: []string)

    # The repositories of a registry, as Tags does it.
    method Repositories(
      registry: string,
      limit: ?int,
      login: ?JobLogin,
      loginFiles: ?[]LoginFile
    ) -> (repositories: []string)

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

    # What is known of all registries, or of one; with forget, what was learned about the one is found out anew. Brief is
    # without logins, for which programs may have to be run.
    method Registries(registry: ?string, forget: ?bool, brief: ?bool) -> (registries: []Registry)

    # Goes the way of a push, as far as opening an upload and giving it up; without a registry it looks at this
    # installation, whose steps name no registry, and then at every registry that is known. The last reply has no step. To
    # be called with 'more'.
    method Doctor(registry: ?string, login: ?JobLogin, loginFiles: ?[]LoginFile) -> (registry: string, step: ?DoctorStep)


    """
