public import OCI

/// Under what name a manifest is asked for or put.
public enum ManifestReference: Sendable, Hashable, CustomStringConvertible {
    case tag(String)
    case digest(Digest)

    public var description: String {
        switch self {
        case .tag(let tag): tag
        case .digest(let digest): digest.description
        }
    }

    var digest: Digest? {
        if case .digest(let digest) = self { return digest }
        return nil
    }
}

/// A manifest as a registry holds it, its digest computed from the bytes.
public struct RemoteManifest: Sendable {
    public let bytes: [UInt8]
    /// As the registry named it, without parameters.
    public let mediaType: MediaType
    public let digest: Digest
    /// By which a later PUT can be made to depend on that nothing changed; nil where the registry names none that may.
    public let entityTag: String?

    public var descriptor: Descriptor { Descriptor(mediaType: mediaType, digest: digest, size: Int64(bytes.count)) }
}

/// What a registry made of a manifest.
public enum ManifestPut: Sendable, Hashable {
    /// It is stored; with the subject that the registry says it has processed.
    case stored(subject: Digest?)
    /// The PUT was refused, and the same bytes are there. Whether the registry processes subjects remains unknown.
    case wasThere
}

/// Whether a blob is in a repository. Trouble on the way is no answer but a thrown error.
public enum BlobPresence: Sendable {
    /// The registry says so, which is no proof that the bytes can be read.
    case present
    /// Not there, or there with another size.
    case absent
    /// The registry refuses to tell, with a login that it takes otherwise: opening an upload decides.
    case unknown(RegistryError)
}

/// What became of the wish to have a blob from another repository.
public enum MountOutcome: Sendable {
    case mounted
    /// Not mounted; an upload was opened instead and should be used.
    case session(UploadSession)
    /// The registry does not do it; the blob is to be uploaded.
    case refused(RegistryError)
}
