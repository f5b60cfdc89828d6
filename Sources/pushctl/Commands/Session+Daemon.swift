internal import Control

/// Commands about the machine and the daemon.
extension Session {
    func images() async throws -> Int32 {
        let output = try await call(Images.self, Images.Input())
        let (images, unreadable) = (output.images, output.unreadable ?? [])
        let status = unreadable.isEmpty ? ExitStatus.done : ExitStatus.failed
        if json {
            try console.printJSON(output)
            return status
        }
        guard !images.isEmpty else {
            try console.print(
                "no images: name a store in pushd's configuration, or push one with: pushctl push oci:DIR …")
            return ExitStatus.done
        }
        let width = console.isTerminal ? console.size().width : nil
        try console.print(ImageTable(images: images).lines(width: width, ellipsis: console.glyphs.ellipsis))
        for store in unreadable {
            console.complain("without the images of \(store.store): \(store.error.message)", advice: store.error.advice)
        }
        return status
    }

    /// Works without a daemon too: the version of pushctl itself was asked for first.
    func version() async throws -> Int32 {
        let daemon: Status.Output?
        var why = ""
        do {
            daemon = try await call(Status.self, Status.Input())
        } catch let error as ControlClientError {
            (daemon, why) = (nil, error.description)
        } catch let error as ControlError {
            (daemon, why) = (nil, error.message)
        } catch let error as Failure {
            (daemon, why) = (nil, error.message)
        }
        if json {
            try console.printJSON(["pushctl": pushctlVersion, "pushd": daemon?.version])
            return ExitStatus.done
        }
        var line = Line("pushd   ")
        if let daemon {
            let seconds = Double(console.now() - daemon.startedAt.milliseconds) / 1000
            line.append("\(daemon.version) (process \(daemon.pid), up for \(formatSpan(seconds: seconds)))")
        } else {
            line.append(why, .dim)
        }
        try console.print(["pushctl \(pushctlVersion)", line])
        return ExitStatus.done
    }
}

/// The version of this pushctl.
let pushctlVersion = "0.1.0"
