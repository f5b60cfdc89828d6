// What a value may be at all. Whether there is such a job or image is for the service to find out.

extension Push.Input {
    public func check() throws(ControlError) {
        try require(!image.isEmpty && image.utf8.count <= longestName, "image")
        try requireNames(destinations, "destinations")
        try requireNames(platforms, "platforms")
        try require(verify.map(["none", "manifest", "blobs", "deep"].contains) ?? true, "verify")
        try require(format.map(["docker", "oci"].contains) ?? true, "format")
        try require(timeout.map { $0 > 0 && $0 <= longestTime } ?? true, "timeout")
        if let login { try login.check() }
        try require((loginFiles ?? []).count <= 8, "loginFiles")
        try require((loginFiles ?? []).allSatisfy { $0.content.utf8.count <= longestLoginFile }, "loginFiles")
        try require(login == nil || loginFiles == nil, "loginFiles")
    }
}

extension JobLogin {
    fileprivate func check() throws(ControlError) {
        try require(!user.isEmpty && user.utf8.count <= longestName && !user.contains(":"), "login")
        try require(!password.isEmpty && password.utf8.count <= longestSecret, "login")
    }
}

extension Follow.Input {
    public func check() throws(ControlError) { try requireJobs(jobs, "jobs") }
}

extension List.Input {
    public func check() throws(ControlError) {
        try require(states.map { $0.allSatisfy(JobInfo.states.contains) } ?? true, "states")
        try require(jobs.map { $0.count <= mostJobs } ?? true, "jobs")
        try require(limit.map { (1...mostListed).contains($0) } ?? true, "limit")
    }
}

extension Wait.Input {
    public func check() throws(ControlError) {
        try requireJobs(jobs, "jobs")
        try require(timeout.map { $0 >= 0 && $0 <= longestTime } ?? true, "timeout")
    }
}

extension Cancel.Input {
    public func check() throws(ControlError) { try requireJobs(jobs, "jobs") }
}

extension Retry.Input {
    public func check() throws(ControlError) {
        try require((jobs == nil) == (failed == true), failed == true ? "failed" : "jobs")
        if let jobs { try requireJobs(jobs, "jobs") }
    }
}

extension Verify.Input {
    public func check() throws(ControlError) {
        try requireNames([reference], "reference")
        try requireNames(against.map { [$0] }, "against")
        try require(level.map(["manifest", "blobs", "deep"].contains) ?? true, "level")
    }
}

extension Inspect.Input {
    public func check() throws(ControlError) { try requireNames([reference], "reference") }
}

extension Tags.Input {
    public func check() throws(ControlError) {
        try requireNames([repository], "repository")
        try require(limit.map { $0 > 0 } ?? true, "limit")
    }
}

extension Login.Input {
    public func check() throws(ControlError) {
        try requireNames(registry.map { [$0] }, "registry")
        // A colon ends the name where the two go together.
        try require(!user.isEmpty && user.utf8.count <= longestName && !user.contains(":"), "user")
        try require(!password.isEmpty && password.utf8.count <= longestSecret, "password")
    }
}

extension Logout.Input {
    public func check() throws(ControlError) { try requireNames(registry.map { [$0] }, "registry") }
}

extension Limit.Input {
    public func check() throws(ControlError) {
        try requireNames(registry.map { [$0] }, "registry")
        try require(change.map(["set", "lift", "default"].contains) ?? true, "change")
        let isSet = change == "set"
        try require(bytesPerSecond.map { isSet && (1...fastest).contains($0) } ?? !isSet, "bytesPerSecond")
    }
}

extension Registries.Input {
    public func check() throws(ControlError) {
        try requireNames(registry.map { [$0] }, "registry")
        // Everything would be a great loss for a slip.
        try require(forget != true || registry != nil, "registry")
    }
}

extension Doctor.Input {
    public func check() throws(ControlError) { try requireNames(registry.map { [$0] }, "registry") }
}

extension Repositories.Input {
    public func check() throws(ControlError) {
        try requireNames([registry], "registry")
        try require(limit.map { $0 > 0 } ?? true, "limit")
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

private func require(_ isRight: Bool, _ parameter: String) throws(ControlError) {
    guard isRight else { throw ControlError(.invalidParameter(parameter), "a value that is out of the question") }
}

private func requireJobs(_ jobs: [Int], _ parameter: String) throws(ControlError) {
    try require((1...mostJobs).contains(jobs.count), parameter)
}

private func requireNames(_ names: [String]?, _ parameter: String) throws(ControlError) {
    guard let names else { return }
    try require(
        names.count <= mostNames && names.allSatisfy { !$0.isEmpty && $0.utf8.count <= longestName }, parameter)
}
