/// The codes of a registry's errors: which of several decides, and what statuses go with it.
///
/// An answer may hold several errors, and its status is then the first one's: distribution answers 500 where it has no
/// code for its first complaint, and names the missing blob behind it.
///
/// Source: OCI distribution-spec 1.1, "Error Codes"; distribution's `registry/api/errcode` and `registry/api/v2`.
enum ErrorCode {
    /// The code that says most of several: what is about one name or one piece of content before what is about all.
    static func mostSpecific(_ codes: [String]) -> String? {
        codes.enumerated().min { (rank($0.element), $0.offset) < (rank($1.element), $1.offset) }?.element
    }

    /// Whether it says that the registry lacks content.
    static func isOfMissingContent(_ code: String?) -> Bool {
        ["MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN", "MANIFEST_UNKNOWN"].contains(code)
    }

    /// The status that an answer is read by: its own, unless its code never goes with that one.
    ///
    /// - Parameter isRead: whether something was only read: that a failing registry does not have it is not believed.
    static func status(_ status: Int, with code: String?, isRead: Bool) -> Int {
        guard status >= 400, !passing.contains(status), let code,
            let usual = statuses.first(where: { $0.code == code })?.usual
        else { return status }
        return usual.contains(status) || (isRead && status >= 500) ? status : usual[0]
    }

    /// These are about the time of the request or about a gateway, not about what was asked for, and pass by themselves.
    ///
    /// Source: RFC 9110, sections 15.5.9 and 15.6.3 to 15.6.5; RFC 6585, section 4; RFC 8470, section 5.2.
    private static let passing: Set<Int> = [408, 425, 429, 502, 503, 504]

    /// The most specific first, each with the statuses that it comes with; the first of these stands for the others.
    private static let statuses: [(code: String, usual: [Int])] = [
        ("TOOMANYREQUESTS", [429]),
        ("NAME_INVALID", [400]), ("NAME_UNKNOWN", [404, 400]),
        ("TAG_INVALID", [400, 403, 409, 412]), ("TAG_ALREADY_EXISTS", [409, 400, 403, 412]),
        // Before DIGEST_INVALID: distribution adds that one where it reads a link to the blob that is half written.
        ("MANIFEST_BLOB_UNKNOWN", [400, 404]),
        ("DIGEST_INVALID", [400]), ("SIZE_INVALID", [400, 413, 416]), ("RANGE_INVALID", [416, 400]),
        ("BLOB_UPLOAD_UNKNOWN", [404, 400, 410, 416]), ("BLOB_UPLOAD_INVALID", [404, 400, 403, 405, 416]),
        ("BLOB_UNKNOWN", [404, 400]), ("MANIFEST_UNKNOWN", [404, 400]),
        ("MANIFEST_UNVERIFIED", [400]), ("MANIFEST_INVALID", [400, 403, 405, 406, 409, 412, 413, 415, 422]),
        ("DENIED", [403, 400, 401, 402, 404, 405, 409, 412, 413, 507]),
        ("UNSUPPORTED", [405, 400, 404, 406, 415, 501, 505]),
    ]

    private static func rank(_ code: String) -> Int {
        if let rank = statuses.firstIndex(where: { $0.code == code }) { return rank }
        switch code {
        case "UNAUTHORIZED": return statuses.count + 1
        case "UNKNOWN", "UNAVAILABLE", "INTERNAL_ERROR", "": return statuses.count + 2
        default: return statuses.count  // a registry's own, such as Harbor's
        }
    }
}
