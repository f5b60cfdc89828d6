internal import CCurl

/// libcurl's pool of connections and the transfers on them, of one thread.
struct MultiHandle: ~Copyable {
    private let pointer: UnsafeMutableRawPointer
    /// libcurl closes its connections through it, the last ones in the clean-up.
    let sockets = Sockets()

    // All transfers have been removed by then; this closes the pooled connections.
    deinit {
        curl_multi_cleanup(pointer)
        withExtendedLifetime(sockets) {}
    }

    init(maxConnections: Int) {
        guard let pointer = curl_multi_init() else { fatalError("out of memory for the HTTP client") }
        self.pointer = pointer
        pushd_multi_set_long(pointer, CURLMOPT_PIPELINING, Int(CURLPIPE_NOTHING))
        pushd_multi_set_long(pointer, CURLMOPT_MAXCONNECTS, maxConnections)
    }

    func add(_ easy: borrowing EasyHandle) -> Bool { curl_multi_add_handle(pointer, easy.pointer) == CURLM_OK }

    /// Also closes the connection if the transfer has not ended.
    func remove(_ easy: borrowing EasyHandle) { curl_multi_remove_handle(pointer, easy.pointer) }

    /// Moves all transfers as far as they go without waiting.
    func perform() -> Bool {
        var running: Int32 = 0
        return curl_multi_perform(pointer, &running) == CURLM_OK
    }

    /// A transfer that has ended, each once.
    func nextFinished() -> (easy: UnsafeMutableRawPointer, result: CURLcode)? {
        var result = CURLE_OK
        return pushd_multi_next_finished(pointer, &result).map { ($0, result) }
    }

    /// Returns when a transfer can go on, `descriptor` is readable, or after `timeout`.
    func wait(for descriptor: Int32, timeout: Duration) {
        var extra = curl_waitfd(fd: descriptor, events: Int16(CURL_WAIT_POLLIN), revents: 0)
        let parts = timeout.components
        let milliseconds = parts.seconds * 1000 + (parts.attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
        var count: Int32 = 0
        curl_multi_poll(pointer, &extra, 1, Int32(clamping: max(0, milliseconds)), &count)
    }
}
