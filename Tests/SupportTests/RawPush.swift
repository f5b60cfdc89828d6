import OCI
import TestSupport
import Testing

let octets = ("Content-Type", "application/octet-stream")
let acceptAll = ("Accept", MediaType.manifests.map(\.rawValue).joined(separator: ", "))

extension RawClient.Reply {
    /// Path and query of the `Location`, whatever its host.
    var location: String {
        let text = header("Location") ?? ""
        guard let scheme = text.firstRange(of: "://") else { return text }
        return String(text[scheme.upperBound...].drop { $0 != "/" })
    }

    /// The code of the first error in the registry's form.
    var code: String {
        guard let start = text.firstRange(of: "\"code\":\"") else { return "" }
        return String(text[start.upperBound...].prefix { $0 != "\"" })
    }
}

extension RawClient {
    func open(_ repository: String, query: String = "") throws -> Reply {
        try ask("POST", "/v2/\(repository)/blobs/uploads/\(query)", body: [])
    }

    func patch(_ location: String, _ body: [UInt8], range: String? = nil) throws -> Reply {
        try ask("PATCH", location, headers: [octets] + (range.map { [("Content-Range", $0)] } ?? []), body: body)
    }

    func close(_ location: String, _ digest: Digest, _ body: [UInt8] = []) throws -> Reply {
        let target = location + (location.contains("?") ? "&" : "?") + "digest=\(digest)"
        return try ask("PUT", target, headers: body.isEmpty ? [] : [octets], body: body)
    }

    /// A whole blob by POST and PUT.
    func push(_ blob: [UInt8], to repository: String) throws {
        let opened = try open(repository)
        #expect(opened.status == 202)
        #expect(try close(opened.location, Digest(of: blob), blob).status == 201)
    }

    func putManifest(
        _ manifest: String, _ repository: String, _ reference: String, type: String = MediaType.ociManifest.rawValue
    ) throws -> Reply {
        try ask(
            "PUT", "/v2/\(repository)/manifests/\(reference)", headers: [("Content-Type", type)],
            body: Array(manifest.utf8))
    }
}

/// A manifest over blobs that are in memory; the first is the configuration.
func manifest(of blobs: [[UInt8]]) -> String {
    let parts = blobs.map { blob in
        #"{"mediaType":"application/octet-stream","digest":"\#(Digest(of: blob))","size":\#(blob.count)}"#
    }
    return #"{"schemaVersion":2,"mediaType":"\#(MediaType.ociManifest)","config":\#(parts[0]),"layers":["#
        + parts.dropFirst().joined(separator: ",") + "]}"
}
