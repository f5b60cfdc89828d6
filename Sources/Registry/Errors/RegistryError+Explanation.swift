internal import Glibc
internal import HTTP
internal import OCI

/// The sentences: why it failed, and what a person can do.
extension RegistryError {
    /// The cause in words, then the registry's own.
    var explanation: String {
        var text = authentication.map(\.description) ?? refusalElsewhere ?? why
        if let status { text += " (HTTP status \(status)\(serverCode.map { ", \($0)" } ?? ""))" }
        if let serverMessage, authentication?.serverMessage == nil { text += "; it says: \(serverMessage)" }
        if let server { text += " (asked: \(server), where it led)" }
        if let proxy { text += " (asked through the proxy \(proxy))" }
        if let requestID { text += " [request \(requestID)]" }
        return text
    }

    /// What another server, which the registry sent us to, made of a request without a login.
    private var refusalElsewhere: String? {
        guard let elsewhere else { return nil }
        switch cause {
        case .loginMissing, .loginRejected: return "it sends us to \(elsewhere), which wants a login of its own"
        case .denied: return "it sends us to \(elsewhere), which does not allow this"
        default: return nil
        }
    }

    /// The cause in words, without a repository's name where it is the whole registry's trouble.
    var why: String {
        switch cause {
        case .hostUnknown: "there is no host of this name"
        case .resolverFailed: "its address could not be looked up: the name servers don't answer"
        case .unreachable(let reason): "it can't be reached: \(reason)"
        case .connectionBroken(let reason): "the connection broke: \(reason)"
        case .timedOut(let reason): reason
        case .proxyUnknown(let proxy): "there is no host of the proxy's name, \(proxy)"
        case .proxyUnreachable(let proxy, let reason): "the proxy \(proxy) can't be reached: \(reason)"
        case .proxyLogin(let proxy):
            proxy.hasLogin ? "the proxy \(proxy) rejects the login" : "the proxy \(proxy) wants a login"
        case .proxyForbids(let proxy): "the proxy \(proxy) does not allow connections to it"
        case .proxyFailed(let proxy, let reason): "the proxy \(proxy) failed: \(reason)"
        case .certificateUntrusted: "its certificate is signed by an authority that is not trusted here"
        case .certificateExpired: "its certificate has expired"
        case .certificateNotYetValid: "its certificate is not valid yet"
        case .certificateForOtherHost: "its certificate is for another name"
        case .clientCertificateWanted: "it wants a client certificate"
        case .certificateFilesUnusable(let reason): "its certificates on this machine can't be used: \(reason)"
        case .speaksPlainHTTP: "it speaks plain HTTP where HTTPS was expected"
        case .wantsTLS: "it wants HTTPS and was spoken to in plain HTTP"
        case .tlsFailed(let reason): "TLS failed: \(reason)"
        case .addressInvalid(let reason): "this is no address of a registry: \(reason)"
        case .loginMissing: "it wants a login and none is stored"
        case .loginRejected: "it rejects the login"
        case .loginUnusable: "the stored login can't be used"
        case .denied: "it does not allow this"
        case .tokenServerDown: "its token server can't serve now"
        case .loginHelperFailed: "the program that keeps its login failed"
        case .rateLimited: "it limits how often it may be asked, and the limit is reached"
        case .unavailable: "it is not available"
        case .serverError: "it failed"
        case .readOnly: "it takes no pushes at the moment"
        case .quotaExceeded: "its space or the plan's allowance is used up"
        case .notARegistry: "what answers is not a registry"
        case .protocolViolation(let reason): "its answer makes no sense: \(reason)"
        case .redirectRefused(let reason): "its redirect can't be followed: \(reason)"
        case .leadsInside(let server, let reason): "it leads to \(server ?? "another server"), \(reason)"
        case .digestMismatch(let found):
            found.map { "it has other content under this name: \($0)" } ?? "it has other content under this name"
        case .repositoryMissing: "the repository does not exist, and pushing does not make it"
        case .repositoryCreationRefused(let reason, _), .repositoryCreationFailed(let reason): reason
        case .nameRefused: "it does not take the repository's name"
        case .tagRefused: "it does not take the tag"
        case .tagConflict(let existing):
            "the tag can't be moved" + (existing.map { " and holds another manifest: \($0)" } ?? "")
        case .referrersTagTaken(let tag): "the tag \(tag) holds something else than that list"
        case .manifestRefused: "it refuses the manifest"
        case .withheldLayersWanted(let layers, _):
            "it wants layers that are not sent, because their type says that they may not be distributed: "
                + layers.prefix(3).map(\.shortened).joined(separator: ", ")
                + (layers.count > 3 ? " and \(layers.count - 3) more" : "")
        case .digestAlgorithmRefused(let algorithm): "it does not store manifests under \(algorithm.rawValue) digests"
        case .manifestTooLarge: "the manifest is larger than it takes"
        case .mediaTypeUnsupported: "it does not know manifests of this type\(mediaType.map { ": \($0)" } ?? "")"
        case .referencesMissing: "it lacks blobs or manifests that the manifest names"
        case .contentMissing: "it does not have that"
        case .pushUnsupported: "it does not take pushes there"
        case .listingUnsupported: "it does not list them"
        case .requestRefused: "it refuses the request"
        case .uploadLost: "it has lost the upload"
        case .uploadsForgotten: "it forgets uploads as soon as it has opened them"
        case .uploadRefused: "it refuses the upload"
        case .offsetRefused: "it wants the upload to go on somewhere else, and does not say where"
        case .bodyTooLarge: "the body is larger than it, or a proxy before it, takes"
        case .contentRefused: "what arrived there has another digest"
        case .damagedOnTheWay: "what arrives there has another digest, although the local blob is whole"
        case .localBlobDamaged: "the local blob does not have its digest"
        case .localFileUnreadable(let path, let errno): "cannot read \(path): \(String(cString: strerror(errno)))"
        case .localFileChanged(let path): "\(path) changed while it was being sent"
        case .internalFailure(let reason): "internal failure: \(reason)"
        }
    }

    /// What a person can do; nil where only waiting helps.
    public var advice: String? {
        switch cause {
        case .loginMissing, .loginRejected, .loginUnusable, .denied:
            elsewhereAdvice ?? wordAdvice ?? hostAdvice ?? authentication?.advice
                ?? "log in with an account that may push to \(name)"
        case .repositoryMissing:
            (hostAdvice ?? "create \(name) first, then: pushctl retry --failed") + "; or let pushd create it: "
                + "registries.\"\(registry)\".createRepository in pushd.json5"
        case .repositoryCreationRefused(_, let advice): advice
        case .hostUnknown: "check the name \(registry), or the VPN that knows it"
        case .resolverFailed: "if it lasts, look at this machine's name servers: resolvectl status"
        case .unreachable: Self.isLocal(registry) ? "start the registry: \(registry) is this machine" : nil
        case .proxyUnknown(let proxy), .proxyUnreachable(let proxy, _), .proxyLogin(let proxy),
            .proxyForbids(let proxy), .proxyFailed(let proxy, _):
            proxyAdvice(proxy)
        case .certificateUntrusted:
            "put the authority's certificate into /etc/containers/certs.d/\(server ?? registry)/ca.crt"
        case .certificateExpired: "its owner must renew the certificate; check this machine's clock too"
        case .certificateNotYetValid: "check this machine's clock: timedatectl"
        case .certificateForOtherHost: "push to a name that is in the certificate"
        case .clientCertificateWanted:
            "put a client certificate and its key into /etc/containers/certs.d/\(server ?? registry)/ as client.cert and "
                + "client.key"
        case .certificateFilesUnusable: "mend that, then: pushctl retry --failed"
        case .speaksPlainHTTP, .wantsTLS: schemeAdvice
        case .addressInvalid, .notARegistry: "check host and port of \(registry)"
        case .readOnly: "nothing, if it is under maintenance; otherwise ask its owner"
        case .quotaExceeded:
            "delete what is not needed at \(registry) or ask for more space, then: pushctl retry --failed"
        case .redirectRefused: "push to the address that it redirects to, or ask its owner"
        case .leadsInside(let server, _):
            server.map {
                "if \($0) is its own storage or token server, allow it: registries.\"\(registry)\".leadsTo: [\"\($0)\"] in "
                    + "pushd.json5; if not, ask its owner"
            } ?? "ask its owner"
        case .nameRefused: "choose a name that \(registry) takes: lower-case letters, and as many parts as it wants"
        case .tagRefused: "choose another tag"
        case .tagConflict: "choose a new tag, or have the old one deleted"
        case .referrersTagTaken(let tag):
            "give what is under \(name):\(tag) another tag and delete this one, then: pushctl retry --failed"
        case .manifestRefused:
            wordAdvice
                ?? (mediaType?.format == .oci
                    ? "the registry may be too old for it: \(otherFormat); if not, its owner can tell what it takes"
                    : "the registry may not know this kind of image; its owner can tell what it takes")
        case .withheldLayersWanted(_, let haveAddresses): haveAddresses ? Self.addressAdvice : Self.contentAdvice
        case .digestAlgorithmRefused:
            "build the image anew with sha256 digests, since most registries take no others, or push to a tag"
        case .mediaTypeUnsupported: otherFormat
        case .manifestTooLarge:
            "remove annotations, squash layers, or push fewer platforms: --platform OS/ARCH"
        case .pushUnsupported: "push to a repository that takes pushes: this one may be a proxy or a mirror"
        case .listingUnsupported: "list the tags of a repository that you know: pushctl tags \(registry)/REPOSITORY"
        case .uploadsForgotten:
            "its owner should check that all its servers share one secret and one storage, and that the proxy before "
                + "them passes X-Forwarded-Proto on"
        case .bodyTooLarge: "its owner can raise the limit of the proxy (nginx: client_max_body_size)"
        case .damagedOnTheWay: "if it lasts, check proxies that change what passes through them"
        case .localBlobDamaged: "build or pull the image again and push it anew"
        case .localFileUnreadable(let path, _): "let the user that pushd runs as read \(path)"
        case .localFileChanged: "build or pull the image again and push it anew"
        case .serverError: requestID.map { "if it lasts, give its owner the request's number: \($0)" }
        case .digestMismatch: "ask its owner what changes the content on the way"
        case .referencesMissing: "if it lasts, its owner should check garbage collection and caches"
        case .loginHelperFailed, .tokenServerDown: authentication?.advice
        case .rateLimited: hostAdvice
        case .tlsFailed, .connectionBroken, .timedOut, .unavailable,
            .protocolViolation, .contentMissing, .requestRefused, .uploadLost, .uploadRefused, .offsetRefused,
            .contentRefused, .internalFailure, .repositoryCreationFailed:
            nil
        }
    }

    static let addressAdvice =
        "its owner must allow the addresses of layers that are not distributed (validation.manifests.urls), or the image "
        + "needs another base"
    private static let contentAdvice =
        "they have no address and are not in the local store: copy the image anew with all its layers, or build it on "
        + "another base"

    private var elsewhereAdvice: String? {
        elsewhere.map {
            "if \($0) is the registry's new address, name that one and log in there; otherwise ask the owner of "
                + "\(registry): logins for it are sent to it alone"
        }
    }

    /// The same image in the family of media types that was not tried.
    private var otherFormat: String {
        let other = mediaType?.format == .docker ? "oci" : "docker"
        return "push it in the other format, with the same layers: pushctl push --format \(other), or set "
            + "registries.\"\(registry)\".format to \"\(other)\""
    }

    private var name: String { repository.map { "\(registry)/\($0)" } ?? registry }

    private static func isLocal(_ registry: String) -> Bool {
        let host =
            registry.hasPrefix("[")
            ? String(registry.prefix { $0 != "]" }) + "]" : String(registry.prefix { $0 != ":" })
        return NetworkPlace.named(by: host) == .thisMachine
    }
}
