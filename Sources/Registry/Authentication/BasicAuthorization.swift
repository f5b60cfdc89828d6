internal import FoundationEssentials

/// The value of `Authorization` for a user and a password.
///
/// Source: RFC 7617, in UTF-8.
func basicAuthorization(user: String, password: Secret) -> String {
    "Basic " + Data("\(user):\(password.revealed())".utf8).base64EncodedString()
}
