internal import ImageStore
public import OCI
public import PushQueue
public import Registry
internal import System

/// A push as it was asked for: one image, its destinations and its options.
public struct PushRequest: Sendable {
    /// As the user wrote it: `team/app:1`, `oci:/images/app:1`.
    public var image: String
    /// References, or aliases for them. Empty: the image's own name is the destination.
    public var destinations: [String] = []
    /// Empty: all that the image has.
    public var platforms: [Platform] = []
    public var priority = 0
    /// Nil: as configured.
    public var verify: VerifyLevel?
    public var force = false
    /// From acceptance until the job counts as failed; nil: no limit.
    public var timeout: Duration?
    /// Every tag of the image's name in its store, not only one.
    public var allTags = false
    /// The format that its manifests are to have; nil: as configured for the registry, or as they are.
    public var format: ImageFormat?
    /// Nil: the daemon's own logins.
    public var login: PushLogin?
    /// Who asks for it, and what he may; nil: a rule, or the daemon's own user.
    public var rights: CallerRights?
    /// As whom the image is opened, now and later; nil: with the daemon's own rights.
    var actsAs: UserIdentity? { rights?.actsAs }

    public init(image: String) { self.image = image }
}

/// Why a push was not accepted; nothing was changed.
public enum PushRefusal: Error, Sendable, CustomStringConvertible {
    case destinationInvalid(ImageReferenceError)
    case destinationMissing(image: String)
    /// The default registry has no place for an image without a namespace, and none is known.
    case namespaceMissing(image: String, registry: String)
    /// The default registry's login, whose user is the namespace, can't be read.
    case loginUnreadable(image: String, reason: String, advice: String?)
    case templateUnusable(TemplateError)
    /// Two different images, or parts of one, would go to the same place.
    case destinationTwice(ImageReference)
    /// The image's name is not valid in a registry, and no destination was given.
    case nameUnusable(image: String, reason: String)
    /// `--all-tags` with a name or destination that has a tag or a digest.
    case tagGiven(String)
    /// No image of the name can be pushed.
    case nothingToPush(image: String, [LeftOut])
    case digestDiffers(wanted: Digest, image: Digest)
    case loginMissing(registry: String, CallersLogins.Failure)
    /// The destinations are at several registries, and the password given with the push is for one.
    case loginForSeveral(registries: [String])
    /// A member asks for what is the daemon's, at a repository or a registry where the configuration does not allow it.
    case notAllowed(DaemonsOwn, String, user: String)
    case stopping

    public var description: String {
        switch self {
        case .destinationInvalid(let error): error.description
        case .destinationMissing(let image): "\"\(image)\" does not say which registry it is for"
        case .namespaceMissing(let image, let registry):
            "\"\(image)\" would go to \(registry), which takes no image without a namespace, and none is known"
        case .loginUnreadable(let image, let reason, _):
            "\"\(image)\" goes to the namespace of the login, which can't be read: \(reason)"
        case .templateUnusable(let error): error.description
        case .destinationTwice(let destination): "two different images would go to \(destination)"
        case .nameUnusable(let image, let reason): "\"\(image)\" can't be its own destination: \(reason)"
        case .tagGiven(let text): "\"\(text)\" names a tag or a digest, and --all-tags means all of a name"
        case .nothingToPush(let image, let leftOut):
            leftOut.isEmpty
                ? "no image of \(image) has a tag"
                : "nothing of \(image) can be pushed: "
                    + leftOut.prefix(10).map { "\($0.image): \($0.reason)" }.joined(separator: "; ")
                    + (leftOut.count > 10 ? "; and \(leftOut.count - 10) more" : "")
        case .digestDiffers(let wanted, let image): "the destination wants \(wanted), the image is \(image)"
        case .loginMissing(let registry, .missing): "you have no login for \(registry) of your own"
        case .loginMissing(let registry, .keptByHelper(let name, let path)):
            "your login for \(registry) is kept by docker-credential-\(name), which \(path) names"
        case .loginMissing(_, .unreadable(let path, let reason)): "your logins in \(path) can't be read: \(reason)"
        case .loginForSeveral(let registries):
            "the login would go to \(registries.count) registries: \(registries.joined(separator: ", "))"
        case .notAllowed(.login, let place, _): "you may not use pushd's own login at \(place)"
        case .notAllowed(.force, let place, _): "you may not push to \(place) by force"
        case .notAllowed(.priority, let place, _): "you may not push to \(place) with a priority above 0"
        case .stopping: "pushd is stopping"
        }
    }

    /// A short word for programs.
    public var code: String {
        switch self {
        case .destinationInvalid: "reference-invalid"
        case .destinationMissing: "destination-missing"
        case .namespaceMissing: "namespace-missing"
        case .loginUnreadable: "login-unusable"
        case .templateUnusable: "template-unusable"
        case .destinationTwice: "destination-twice"
        case .nameUnusable: "name-unusable"
        case .tagGiven: "tag-given"
        case .nothingToPush: "nothing-to-push"
        case .digestDiffers: "digest-differs"
        case .loginMissing: "own-login-missing"
        case .loginForSeveral: "login-for-several"
        case .notAllowed: "not-allowed"
        case .stopping: "stopping"
        }
    }

    public var advice: String? {
        switch self {
        case .destinationInvalid: "write the destination as HOST[:PORT]/REPOSITORY[:TAG]"
        case .destinationMissing(let image):
            "name the destination: pushctl push \(image) HOST/REPOSITORY:TAG, "
                + "or set defaults.registry and defaults.namespace in pushd.json5"
        case .namespaceMissing(let image, let registry):
            "log in with a user's name: pushctl login \(registry), or set defaults.namespace in pushd.json5, or name the "
                + "destination: pushctl push \(image) \(registry)/NAMESPACE/NAME:TAG"
        case .loginUnreadable(_, _, let advice):
            advice ?? "set defaults.namespace in pushd.json5, or name the destination"
        case .templateUnusable:
            "correct aliases in pushd.json5, or name the destination itself: HOST[:PORT]/REPOSITORY[:TAG]"
        case .destinationTwice: "name one of them, or destinations that differ; see aliases in pushd.json5"
        case .nameUnusable(let image, _): "name the destination: pushctl push \(shellWord(image)) HOST/REPOSITORY:TAG"
        case .tagGiven: "leave the tag out, or leave out --all-tags"
        case .nothingToPush(let image, let leftOut):
            "push it by itself under a tag of your choice: "
                + "pushctl push \(shellWord(leftOut.first?.image ?? image)) HOST/REPOSITORY:TAG"
        case .digestDiffers: "leave the digest out, or push the image that has it"
        case .loginMissing(_, .unreadable): "mend the file, or give the login with: -u USER --password-stdin"
        case .loginMissing: "give it with: -u USER --password-stdin"
        case .loginForSeveral: "push to each registry by itself, with its own login"
        case .notAllowed(let what, let place, let user):
            Self.instead(of: what) + "; or let an administrator add to pushd.json5: " + Self.allowance(place, user)
        case .stopping: "try again when it is back"
        }
    }

    private static func instead(of what: DaemonsOwn) -> String {
        switch what {
        case .login: "use a login of your own: --my-login, or -u USER"
        case .force: "leave --force out"
        case .priority: "leave --priority out"
        }
    }

    /// The line that would allow it, for the repositories beside that one too.
    private static func allowance(_ place: String, _ user: String) -> String {
        let parts = place.split(separator: "/")
        let pattern = parts.count > 2 ? parts.dropLast().joined(separator: "/") + "/**" : place
        let all = parts.count == 1 ? place + "/**" : pattern
        return "control: { allow: [{ user: \"\(user)\", to: [\"\(all)\"] }] }"
    }
}
