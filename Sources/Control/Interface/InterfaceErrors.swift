/// The last part of ``controlInterfaceDescription``: its errors.
let interfaceErrors = """
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

    # A parameter has a value that it can't have. One that is unknown, missing or of another type is refused with
    # org.varlink.service.InvalidParameter.
    error ParameterInvalid (parameter: string, message: string, advice: ?string, code: string)

    error JobNotFound (message: string, advice: ?string, code: string)

    # The registry has no such image.
    error RemoteNotFound (message: string, advice: ?string, code: string)

    # The registry could not be asked.
    error RegistryFailed (message: string, advice: ?string, code: string)

    # The job's state does not allow it.
    error Refused (message: string, advice: ?string, code: string)

    # The caller may not do that: it is for operators, the job is another user's, or the configuration does not allow this
    # use of the daemon's logins. docs/security.md says who may what.
    error NotAllowed (message: string, advice: ?string, code: string)

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
