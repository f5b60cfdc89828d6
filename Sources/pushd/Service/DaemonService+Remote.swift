import Control
import FoundationEssentials
import OCI
import Publisher
import PushQueue
import Registry
import System

/// What the control socket offers about what registries have: for an operator with the daemon's logins, for a member with
/// his own, or where the configuration allows the daemon's.
extension DaemonService {
    /// With whose login a registry is asked, and what the caller may.
    private func access(
        of caller: Caller, _ login: JobLogin?, _ files: [LoginFile]?
    ) async throws -> RemoteAccess {
        RemoteAccess(rights: try await rights(of: caller), login: try self.login(login, files))
    }

    func verify(_ input: Verify.Input, by caller: Caller) async throws -> Verify.Output {
        try await translatingErrors {
            let access = try await access(of: caller, input.login, input.loginFiles)
            let level = input.level.flatMap(VerifyLevel.init(rawValue:)) ?? .blobs
            let reference = try remote(input.reference)
            guard
                let report = try await publisher.verify(
                    reference, against: input.against, level: level, by: access)
            else {
                throw notFound(reference)
            }
            return Verify.Output(report: VerifyReport(report))
        }
    }

    private func notFound(_ reference: ImageReference) -> ControlError {
        ControlError(.remoteNotFound, "\(reference) is not in the registry", advice: "check the repository and the tag")
    }

    func inspect(_ input: Inspect.Input, by caller: Caller) async throws -> Inspect.Output {
        try await translatingErrors {
            let access = try await access(of: caller, input.login, input.loginFiles)
            let reference = try remote(input.reference)
            guard let image = try await publisher.inspect(reference, withPlatforms: input.raw != true, by: access)
            else {
                throw notFound(reference)
            }
            // Kinds that pushd could not push are shown too, as long as they are documents at all.
            if let fault = image.manifest.fault, case .notJSON = fault.reason {
                throw ControlError(
                    .registryFailed,
                    "cannot read the manifest of \(reference.path) at \(reference.domain): \(fault)",
                    advice: "check host and port of \(reference.domain)", code: "protocol-violation")
            }
            return Inspect.Output(reference, image)
        }
    }

    func tags(_ input: Tags.Input, by caller: Caller) -> AsyncThrowingStream<Tags.Output, any Error> {
        let pages = Task {
            try await translatingErrors {
                let reference = try remote(input.repository)
                guard reference.tag == nil, reference.digest == nil else {
                    throw ControlError(
                        .referenceInvalid, "\(reference) is one image, not a repository",
                        advice: "leave the tag out: \(reference.domain)/\(reference.path)")
                }
                let access = try await access(of: caller, input.login, input.loginFiles)
                return (reference, try await publisher.tags(of: reference, limit: input.limit, by: access))
            }
        }
        return AsyncThrowingStream {
            try await translatingErrors {
                let (reference, pages) = try await pages.value
                do {
                    return try await pages.next().map { Tags.Output(tags: $0) }
                } catch let error as RegistryError where error.cause == .contentMissing {
                    throw ControlError(
                        .remoteNotFound, "there is no repository \(reference.path) at \(reference.domain)",
                        advice: "check its name, and whether the login that pushd has may see it")
                }
            }
        }
    }

    func repositories(_ input: Repositories.Input, by caller: Caller) -> AsyncThrowingStream<
        Repositories.Output, any Error
    > {
        let pages = Task {
            try await translatingErrors {
                let access = try await access(of: caller, input.login, input.loginFiles)
                return try await publisher.repositories(of: registry(input.registry), limit: input.limit, by: access)
            }
        }
        return AsyncThrowingStream {
            try await translatingErrors {
                try await pages.value.next().map { Repositories.Output(repositories: $0) }
            }
        }
    }

    /// A reference in a registry; it must say which.
    func remote(_ text: String) throws -> ImageReference {
        let reference = try ImageReference(parsing: text)
        guard reference.isQualified else {
            throw ControlError(
                .referenceInvalid, "\"\(text.prefix(200))\" does not say which registry",
                advice: "write HOST[:PORT]/REPOSITORY[:TAG]; Docker Hub is docker.io/\(reference.path)")
        }
        return reference
    }

    func doctor(_ input: Doctor.Input, by caller: Caller) -> AsyncThrowingStream<Doctor.Output, any Error> {
        let (steps, continuation) = AsyncThrowingStream.makeStream(of: Doctor.Output.self)
        let task = Task {
            do {
                try await translatingErrors {
                    if let text = input.registry {
                        let access = try await access(of: caller, input.login, input.loginFiles)
                        let (name, repository) = try await patient(text)
                        try await examine(name, repository: repository, access, continuation)
                        continuation.yield(Doctor.Output(registry: name))
                    } else {
                        let rights = try await operatorRights(
                            of: caller, for: "a look at the installation and all registries")
                        try await examineAll(RemoteAccess(rights: rights), continuation)
                        continuation.yield(Doctor.Output(registry: ""))
                    }
                }
                continuation.finish()
            } catch {
                continuation.finish(throwing: error)
            }
        }
        continuation.onTermination = { _ in task.cancel() }
        return steps
    }

    private typealias DoctorReplies = AsyncThrowingStream<Doctor.Output, any Error>.Continuation

    private func examine(
        _ registry: String, repository: String?, _ access: RemoteAccess, _ replies: DoctorReplies
    ) async throws {
        try await publisher.examine(registry, repository: repository, by: access) { step in
            replies.yield(Doctor.Output(registry: registry, step: DoctorStep(step)))
        }
    }

    private func examineAll(_ access: RemoteAccess, _ replies: DoctorReplies) async throws {
        let installation = Installation(
            stateDirectory: stateDirectory, socket: socket, stores: await stores(),
            loginFiles: loginFiles(), now: Clock.now)
        let desk = InstallationDesk()
        for part in installation.parts {
            replies.yield(Doctor.Output(registry: "", step: await desk.look(part)))
        }
        for registry in try await publisher.registryStates(named: nil, withLogins: false) {
            try await examine(registry.activity.name, repository: nil, access, replies)
        }
    }

    /// The registry to look at, and the repository where there is one.
    private func patient(_ text: String) async throws -> (String, String?) {
        guard text.contains("/") else { return (try await registry(text), nil) }
        let reference = try remote(text)
        return (reference.domain, reference.path)
    }
}
