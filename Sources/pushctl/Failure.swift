internal import Control

/// A command that did not do what it was asked for.
struct Failure: Error, Equatable {
    /// `what failed: why`.
    let message: String
    let advice: String?
    let status: Int32
    /// A short word for programs; `docs/errors.md` lists them.
    let code: String

    /// - Parameter code: nil: `usage` or `failed`, as the status says.
    init(_ message: String, advice: String? = nil, status: Int32, code: String? = nil) {
        self.message = message
        self.advice = advice
        self.status = status
        self.code = code ?? (status == ExitStatus.usage ? "usage" : "failed")
    }

    /// Any error of a command, as it is reported.
    init(_ error: any Error) {
        switch error {
        case let error as Failure: self = error
        case let error as UsageError:
            self.init(error.message, advice: error.advice, status: ExitStatus.usage)
        case let error as ControlError:
            self.init(error.message, advice: error.advice, status: error.exitStatus, code: error.code)
        case let error as ControlClientError:
            self.init(error.description, advice: error.advice, status: error.exitStatus, code: error.code)
        default: self.init("\(error)", status: ExitStatus.failed, code: "internal")
        }
    }
}
