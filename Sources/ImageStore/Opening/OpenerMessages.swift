internal import System

/// What the daemon and the process that opens files for it say to each other: one message, one packet.
///
/// Integers are 32 bits in the machine's own order: both ends are one program.
enum OpenerMessage {
    /// Bytes: a path as long as the kernel takes, and what goes before it; or as many groups as are taken.
    static let maximumSize = 8192
    /// Supplementary groups; more than users have, fewer than the kernel permits.
    static let maximumGroups = 1024

    // MARK: As whom

    /// The first message of a connection.
    static func bytes(of identity: UserIdentity) -> [UInt8] {
        ([identity.uid, identity.gid, UInt32(identity.groups.count)] + identity.groups).flatMap(bytes)
    }

    /// - Returns: nil for what is no identity, and for root, whom a caller's files are never opened as.
    static func identity(from bytes: [UInt8]) -> UserIdentity? {
        let numbers = numbers(in: bytes)
        guard bytes.count % 4 == 0, numbers.count >= 3, numbers[0] != 0, numbers[0] != .max, numbers[1] != .max,
            Int(numbers[2]) == numbers.count - 3
        else { return nil }
        return UserIdentity(uid: numbers[0], gid: numbers[1], groups: numbers[3...])
    }

    // MARK: What

    /// - Parameter isBelow: whether the directory comes with it.
    static func bytes(of step: OpenStep, isBelow: Bool) -> [UInt8] {
        let flags: UInt8 =
            (step.isDirectory ? 1 : 0) | (step.followsLink ? 2 : 0) | (step.refusesLink ? 4 : 0) | (isBelow ? 8 : 0)
        return [flags] + Array(step.path.utf8)
    }

    static func step(from bytes: [UInt8]) -> (step: OpenStep, isBelow: Bool)? {
        guard let flags = bytes.first, flags < 16, bytes.count > 1,
            let path = String(validating: bytes.dropFirst(), as: UTF8.self), !path.utf8.contains(0)
        else { return nil }
        let isBelow = flags & 8 != 0
        // A name in a directory is one step: it can't lead out of it.
        guard isBelow ? !path.contains("/") && path != ".." : path.hasPrefix("/") else { return nil }
        return (
            OpenStep(
                path: path, isDirectory: flags & 1 != 0, followsLink: flags & 2 != 0, refusesLink: flags & 4 != 0),
            isBelow
        )
    }

    // MARK: The answer

    /// The descriptor comes with it.
    static func bytes(of outcome: OpenStep.Outcome) -> [UInt8] {
        let numbers: [UInt32] =
            switch outcome {
            case .opened(_, let isLinked): [0, isLinked ? 1 : 0]
            case .absent: [1, 0]
            case .unproven: [2, 0]
            case .failed(let code): [3, UInt32(bitPattern: code)]
            }
        return numbers.flatMap(bytes)
    }

    static func outcome(from bytes: [UInt8], _ descriptor: Int32) -> OpenStep.Outcome? {
        let numbers = numbers(in: bytes)
        guard bytes.count == 8 else { return nil }
        switch numbers[0] {
        case 0: return descriptor >= 0 ? .opened(descriptor, isLinked: numbers[1] == 1) : nil
        case 1: return .absent
        case 2: return .unproven
        case 3: return .failed(Int32(bitPattern: numbers[1]))
        default: return nil
        }
    }

    private static func bytes(of number: UInt32) -> [UInt8] { withUnsafeBytes(of: number) { Array($0) } }

    private static func numbers(in bytes: [UInt8]) -> [UInt32] {
        bytes.withUnsafeBytes { all in
            (0..<all.count / 4).map { all.loadUnaligned(fromByteOffset: $0 * 4, as: UInt32.self) }
        }
    }
}
