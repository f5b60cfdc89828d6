internal import CCurl
internal import Glibc

/// The thread that all of a client's transfers run on.
enum ClientThread {
    private final class Start: Sendable {
        let inbox: Inbox
        let configuration: HTTPClient.Configuration

        init(_ inbox: Inbox, _ configuration: HTTPClient.Configuration) {
            self.inbox = inbox
            self.configuration = configuration
        }
    }

    /// libcurl's own start, once a process.
    private static let isLibraryReady = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

    /// Returns at once; the thread ends after `inbox` was closed.
    static func start(_ inbox: Inbox, _ configuration: HTTPClient.Configuration) {
        precondition(isLibraryReady, "libcurl does not start")
        let start = Unmanaged.passRetained(Start(inbox, configuration))
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { context in
                ClientThread.run(context)
                return nil
            }, start.toOpaque())
        precondition(code == 0, "no thread for the HTTP client: \(systemMessage(code))")
        pthread_detach(thread)
    }

    private static func run(_ context: UnsafeMutableRawPointer?) {
        guard let context else { return }
        let start = Unmanaged<Start>.fromOpaque(context).takeRetainedValue()
        pushd_name_thread("http")
        // Signals are the business of the daemon's main thread. SIGPIPE, which OpenSSL's writes to a closed connection
        // raise on the writing thread, stays pending here for ever: the write's EPIPE says the same.
        var all = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_BLOCK, &all, nil)
        do {
            let loop = TransferLoop(start.inbox, start.configuration)
            loop.run()
        }  // connections are closed here, before anyone hears of the end
        start.inbox.end()
    }
}
