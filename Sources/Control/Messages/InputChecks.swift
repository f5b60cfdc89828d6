internal import OCI

// What a value may be at all: the one place where it is refused, with the words that every client shows. Whether there is
// such a job or image is for the service to find out.

extension Push.Input {
    /// Higher goes first.
    public static let priorities = -100...100

    public func check() throws(ControlError) {
        try requireName(image, "image", "write NAME[:TAG], NAME@DIGEST or oci:DIR[:REF]")
        try requireNames(destinations, "destinations", destinationAdvice)
        try requireNames(platforms, "platforms", platformAdvice)
        if let wrong = (platforms ?? []).first(where: { Platform(parsing: $0) == nil }) {
            throw .refusing("platforms", "\(quoted(wrong)) is not a platform", advice: platformAdvice)
        }
        try requireNumber(priority, "priority", in: Self.priorities)
        try requireWord(verify, "verify", of: ["none", "manifest", "blobs", "deep"])
        try requireWord(format, "format", of: ["docker", "oci"])
        try requireTime(timeout, "timeout", isZeroAllowed: false)
        try requireLogins(login, loginFiles)
    }
}

extension Follow.Input {
    public func check() throws(ControlError) { try requireJobs(jobs) }
}

extension List.Input {
    public func check() throws(ControlError) {
        for state in states ?? [] { try requireWord(state, "states", of: JobInfo.states) }
        if let jobs {
            try require(
                jobs.count <= mostListed, "jobs", "\(jobs.count) jobs are too many for one call",
                "name \(mostListed) at most")
        }
        try requireName(registry, "registry", registryAdvice)
        try requireName(user, "user", "give a user's name or number")
        try requireNumber(limit, "limit", in: 1...mostListed)
    }
}

extension Wait.Input {
    public func check() throws(ControlError) {
        try requireJobs(jobs)
        try requireTime(timeout, "timeout", isZeroAllowed: true)
    }
}

extension Cancel.Input {
    public func check() throws(ControlError) { try requireJobs(jobs) }
}

extension Retry.Input {
    public func check() throws(ControlError) {
        if failed == true {
            try require(
                jobs == nil, "failed", "a retry takes either jobs or 'failed', not both", "leave one of them out")
        } else {
            try requireJobs(jobs ?? [])
        }
        try requireLogins(login, loginFiles)
    }
}

extension Events.Input {
    public func check() throws(ControlError) {
        try requireNumber(after, "after", in: 0...Int.max)
        try require(
            since == nil || after == nil, "after", "events begin either since a time or after one of them, not both",
            "leave one of them out")
    }
}

extension Verify.Input {
    public func check() throws(ControlError) {
        try requireName(reference, "reference", referenceAdvice)
        try requireName(against, "against", "name a local image: NAME[:TAG], NAME@DIGEST or oci:DIR[:REF]")
        try requireWord(level, "level", of: ["manifest", "blobs", "deep"])
        try requireLogins(login, loginFiles)
    }
}

extension Inspect.Input {
    public func check() throws(ControlError) {
        try requireName(reference, "reference", referenceAdvice)
        try requireLogins(login, loginFiles)
    }
}

extension Tags.Input {
    public func check() throws(ControlError) {
        try requireName(repository, "repository", "write HOST[:PORT]/REPOSITORY")
        try requireNumber(limit, "limit", in: 1...Int.max)
        try requireLogins(login, loginFiles)
    }
}

extension Login.Input {
    public func check() throws(ControlError) {
        try requireName(registry, "registry", registryAdvice)
        try requireLogin(user: user, password, "user", "password")
    }
}

extension Logout.Input {
    public func check() throws(ControlError) { try requireName(registry, "registry", registryAdvice) }
}

extension Pause.Input {
    public func check() throws(ControlError) { try requireName(registry, "registry", registryAdvice) }
}

extension Resume.Input {
    public func check() throws(ControlError) { try requireName(registry, "registry", registryAdvice) }
}

extension Limit.Input {
    public func check() throws(ControlError) {
        try requireName(registry, "registry", registryAdvice)
        try requireWord(change, "change", of: ["set", "lift", "default"])
        if change == "set" {
            try require(
                bytesPerSecond != nil, "bytesPerSecond", "the change 'set' needs a number of bytes a second",
                "give bytesPerSecond, or the change 'lift' for no limit")
            try requireNumber(bytesPerSecond, "bytesPerSecond", in: 1...fastest)
        } else {
            try require(
                bytesPerSecond == nil, "bytesPerSecond", "bytes a second belong to the change 'set' alone",
                "give the change 'set', or leave bytesPerSecond out")
        }
    }
}

extension Registries.Input {
    public func check() throws(ControlError) {
        try requireName(registry, "registry", registryAdvice)
        // Everything would be a great loss for a slip.
        try require(
            forget != true || registry != nil, "registry", "what is to be forgotten needs a registry's name",
            registryAdvice)
    }
}

extension Doctor.Input {
    public func check() throws(ControlError) {
        try requireName(registry, "registry", "write HOST[:PORT], or HOST[:PORT]/REPOSITORY")
        try require(
            registry != nil || login == nil && loginFiles == nil, "registry", "a login needs a registry's name",
            "write HOST[:PORT], or HOST[:PORT]/REPOSITORY")
        try requireLogins(login, loginFiles)
    }
}

extension Repositories.Input {
    public func check() throws(ControlError) {
        try requireName(registry, "registry", registryAdvice)
        try requireNumber(limit, "limit", in: 1...Int.max)
        try requireLogins(login, loginFiles)
    }
}

/// In bytes a second: more than any network has.
private let fastest = 1 << 50
/// How many jobs one call may name.
private let mostJobs = 100_000
/// How many jobs one reply may hold.
private let mostListed = 10_000
/// How many destinations or platforms one call may name.
private let mostNames = 1000
/// Of a password or token, in bytes: some tokens are long.
private let longestSecret = 64 << 10
/// In bytes.
private let longestLoginFile = 256 << 10
/// In bytes; a path has as many (PATH_MAX).
private let longestName = 4096
/// In seconds, about 30 years: a time to come stays far from where integers of milliseconds end.
private let longestTime = 1e9

private let registryAdvice = "write HOST[:PORT]"
private let referenceAdvice = "write HOST[:PORT]/REPOSITORY[:TAG]"
private let destinationAdvice = "write HOST[:PORT]/REPOSITORY[:TAG], or an alias of the configuration"
private let platformAdvice = "write OS/ARCH[/VARIANT], such as linux/arm64"

private func require(
    _ isRight: Bool, _ parameter: String, _ message: @autoclosure () -> String, _ advice: @autoclosure () -> String
) throws(ControlError) {
    guard isRight else { throw .refusing(parameter, message(), advice: advice()) }
}

private func requireNumber(_ value: Int?, _ parameter: String, in range: ClosedRange<Int>) throws(ControlError) {
    guard let value, !range.contains(value) else { return }
    throw .refusing(parameter, "\(parameter) can't be \(value)", advice: numberAdvice(range))
}

/// What a whole number may be, in the words that a command line uses too.
public func numberAdvice(_ range: ClosedRange<Int>) -> String {
    range.upperBound == .max
        ? "it is a whole number from \(range.lowerBound) on"
        : "it is a whole number from \(range.lowerBound) to \(range.upperBound)"
}

private func requireWord(_ word: String?, _ parameter: String, of words: [String]) throws(ControlError) {
    guard let word, !words.contains(word) else { return }
    throw .refusing(
        parameter, "\(parameter) can't be \(quoted(word))", advice: "it is one of: " + words.joined(separator: ", "))
}

private func requireTime(_ seconds: Double?, _ parameter: String, isZeroAllowed: Bool) throws(ControlError) {
    guard let seconds, !(seconds > 0 && seconds <= longestTime || isZeroAllowed && seconds == 0) else { return }
    throw .refusing(
        parameter, "\(parameter) can't be \(seconds) seconds",
        advice: "it is \(isZeroAllowed ? "0 or more" : "above 0"), and at most 1000000000")
}

private func requireJobs(_ jobs: [Int]) throws(ControlError) {
    try require(!jobs.isEmpty, "jobs", "no jobs are named", "name at least one; List tells which there are")
    try require(
        jobs.count <= mostJobs, "jobs", "\(jobs.count) jobs are too many for one call", "name \(mostJobs) at most")
}

private func requireNames(_ names: [String]?, _ parameter: String, _ advice: String) throws(ControlError) {
    guard let names else { return }
    try require(
        names.count <= mostNames, parameter, "\(names.count) \(parameter) are too many for one call",
        "name \(mostNames) at most")
    for name in names { try requireName(name, parameter, advice) }
}

private func requireName(_ name: String?, _ parameter: String, _ advice: String) throws(ControlError) {
    guard let name else { return }
    try require(!name.isEmpty, parameter, "\(parameter): a name is empty", advice)
    try require(
        name.utf8.count <= longestName, parameter, "\(parameter): \(quoted(name)) is longer than \(longestName) bytes",
        advice)
}

/// A colon ends the user's name where it goes together with the password.
private func requireLogin(
    user: String, _ password: String, _ userParameter: String, _ passwordParameter: String
) throws(ControlError) {
    try require(!user.isEmpty, userParameter, "the user's name is empty", "give a name")
    try require(!user.contains(":"), userParameter, "the user's name holds a colon", "give a name without one")
    try require(
        user.utf8.count <= longestName, userParameter, "the user's name has more than \(longestName) bytes",
        "give a shorter one")
    try require(!password.isEmpty, passwordParameter, "the password is empty", "give a password or a token")
    try require(
        password.utf8.count <= longestSecret, passwordParameter, "the password has more than \(longestSecret) bytes",
        "give a shorter password or token")
}

/// What a call brings in place of the daemon's logins.
private func requireLogins(_ login: JobLogin?, _ loginFiles: [LoginFile]?) throws(ControlError) {
    if let login {
        try requireLogin(user: login.user, login.password, "login", "login")
        try require(
            loginFiles == nil, "loginFiles", "a call takes either a login or login files, not both",
            "leave one of them out")
    }
    let files = loginFiles ?? []
    try require(files.count <= 8, "loginFiles", "\(files.count) login files are too many", "give 8 at most")
    if let large = files.first(where: { $0.content.utf8.count > longestLoginFile }) {
        throw .refusing(
            "loginFiles", "the login file \(quoted(large.path)) has more than \(longestLoginFile) bytes",
            advice: "give a file that holds logins alone, or the login itself")
    }
}

private func quoted(_ text: String) -> String { "\"\(shortened(text))\"" }
