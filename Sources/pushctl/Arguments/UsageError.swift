/// The command line says something that pushctl does not understand. Exit status 2; nothing has been sent.
struct UsageError: Error, Equatable {
    /// What is wrong, naming the argument: `unknown option --detatch`.
    let message: String
    /// What to write instead; nil where the message says it all.
    let advice: String?

    init(_ message: String, advice: String? = nil) {
        self.message = message
        self.advice = advice
    }
}
