/// Why a transfer ended, before it is known to which request it belonged: becomes an ``HTTPError`` at its end.
struct TransferFailure: Error {
    let cause: HTTPError.Cause
}
