internal import OCI

/// An image in a place that pushd does not read, and the commands that bring it where pushd does.
public struct ForeignImage: Sendable, Equatable {
    enum Kind: String, Sendable, CaseIterable {
        // In this order they are tried: one begins like another.
        case registry = "docker://"
        case dockerArchive = "docker-archive:"
        case dockerDaemon = "docker-daemon:"
        case docker = "docker:"
        case podman = "podman:"
        case containersStorage = "containers-storage:"
        case containerd = "containerd:"
        case ociArchive = "oci-archive:"
        case directory = "dir:"

        /// As the end of "app:1 is ".
        var description: String {
            switch self {
            case .registry: "an image in a registry"
            case .dockerArchive: "an archive of docker save"
            case .dockerDaemon, .docker: "an image of the Docker engine"
            case .podman: "an image of podman"
            case .containersStorage: "an image of podman, buildah or CRI-O"
            case .containerd: "an image of containerd"
            case .ociArchive: "an archive of an OCI layout"
            case .directory: "a directory that skopeo wrote"
            }
        }
    }

    let kind: Kind
    /// What the user wrote, without the kind.
    let name: String
    /// Where the push would have gone; empty: where the image's name says.
    public var destinations: [String] = []

    init(_ kind: Kind, _ name: String) {
        self.kind = kind
        self.name = name
    }

    /// - Returns: nil where the text does not begin with such a place.
    init?(_ text: String) {
        guard let kind = Kind.allCases.first(where: { text.hasPrefix($0.rawValue) }) else { return nil }
        self.init(kind, String(text.dropFirst(kind.rawValue.count)))
    }

    /// Whether the text may as well be the name and the tag of an ordinary image, such as `docker:dind`.
    var isNameLikely: Bool {
        (kind == .docker || kind == .podman || kind == .containerd) && ImageReference.isValidTag(name)
    }

    /// A line for a shell: copies the image into a layout, and pushes it from there.
    public var commands: String {
        guard kind != .registry else {
            let targets = destinations.isEmpty ? ["HOST/REPOSITORY:TAG"] : destinations
            return targets.map { "skopeo copy \(shellWord("docker://" + name)) \(shellWord("docker://" + $0))" }
                .joined(separator: " && ")
        }
        let (short, tag) = called
        let layout = shellWord("oci:/tmp/\(short):\(tag)")
        let copy =
            switch kind {
            case .podman: "podman push \(shellWord(tagged)) \(layout)"
            case .containerd: exportFromContainerd(to: "/tmp/\(short).tar", layout)
            case .docker: "skopeo copy \(shellWord("docker-daemon:" + tagged)) \(layout)"
            case .dockerDaemon, .containersStorage: "skopeo copy \(shellWord(kind.rawValue + tagged)) \(layout)"
            case .registry, .dockerArchive, .ociArchive, .directory:
                "skopeo copy \(shellWord(kind.rawValue + name)) \(layout)"
            }
        let targets = destinations.isEmpty ? [ownDestination].compactMap(\.self) : destinations
        return copy + " && " + (["pushctl push", layout] + targets.map(shellWord)).joined(separator: " ")
    }

    private func exportFromContainerd(to archive: String, _ layout: String) -> String {
        let (space, image) = containerdName
        return "ctr -n \(shellWord(space)) images export \(shellWord(archive)) \(shellWord(image)) "
            + "&& skopeo copy \(shellWord("oci-archive:" + archive)) \(layout)"
    }

    /// The namespaces that Docker, Kubernetes and `ctr` itself use; any other name begins with its registry.
    private var containerdName: (namespace: String, image: String) {
        let parts = tagged.split(separator: "/", maxSplits: 1).map(String.init)
        guard parts.count == 2, ["default", "k8s.io", "moby", "buildkit"].contains(parts[0]) else {
            return ("default", tagged)
        }
        return (parts[0], parts[1])
    }

    /// The name with its tag, which these tools want.
    private var tagged: String {
        let last = name.split(separator: "/").last ?? ""
        return last.contains(":") || last.contains("@") ? name : name + ":latest"
    }

    /// What the image is called in the layout that is made of it.
    private var called: (name: String, tag: String) {
        var text = Substring(tagged)
        if kind == .dockerArchive || kind == .ociArchive || kind == .directory {
            // Behind the file its image may be named: app.tar:team/app:1.
            let parts = name.split(separator: ":", maxSplits: 1)
            let named = parts.count > 1 && !parts[1].hasPrefix("@") ? parts[1] : nil
            text = named ?? Self.withoutEnding(parts.first ?? "")
            if named?.contains(":") == false, named?.contains("/") == false {
                text = Self.withoutEnding(parts[0]) + ":" + (named ?? "")
            }
        }
        let last = text.split(separator: "/").last ?? "image"
        let parts = (last.split(separator: "@").first ?? "").split(separator: ":", maxSplits: 1)
        let fit = (parts.first ?? "").lowercased().filter {
            $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0))
        }
        return (fit.isEmpty ? "image" : fit, parts.count > 1 ? String(parts[1]) : "latest")
    }

    /// Of a file's name, the part before `.tar` and what follows.
    private static func withoutEnding(_ file: Substring) -> Substring {
        let last = file.split(separator: "/").last ?? ""
        return last.firstRange(of: ".tar").map { last[..<$0.lowerBound] } ?? last
    }

    /// A full name says itself where the image belongs.
    private var ownDestination: String? {
        switch kind {
        case .dockerArchive, .ociArchive, .directory, .registry: return nil
        case .containerd:
            let image = containerdName.image
            return Self.isQualified(image) ? image : nil
        case .docker, .dockerDaemon, .podman, .containersStorage: return Self.isQualified(tagged) ? tagged : nil
        }
    }

    private static func isQualified(_ name: String) -> Bool {
        guard let reference = try? ImageReference(parsing: name) else { return false }
        return reference.isQualified && reference.domain != "localhost"
    }
}
