internal import ImageStore
public import OCI
public import PushQueue

/// The result of a request: its pushes, and what it named that they leave out.
public struct PushAnswer<Push: Sendable>: Sendable {
    public let pushes: [Push]
    public let leftOut: [LeftOut]
}

/// One push that would be made.
public struct PushPlan: Sendable {
    public let image: String
    public let source: String
    public let destination: ImageReference
    public let root: Descriptor
    /// How ``root`` comes from the image in the store; nil where it is that image.
    public let change: ImageChange?
    public let platforms: [Platform]
    /// Configuration and layers.
    public let blobs: [JobBlob]
    /// Those of them that the registry is remembered to have in that repository.
    public let known: Set<Digest>
    /// The pending job that the push would join.
    public let joins: JobID?
    /// The pending jobs that it would take the place of.
    public let supersedes: [JobID]
}
