internal import CCurl
internal import Glibc

/// One transfer of libcurl with all that its callbacks point to.
struct EasyHandle: ~Copyable {
    let pointer: UnsafeMutableRawPointer
    private let context: Unmanaged<Exchange>
    private let errorText: UnsafeMutablePointer<CChar>
    private var headers: UnsafeMutablePointer<curl_slist>?

    deinit {
        curl_easy_cleanup(pointer)  // the last that may call back
        curl_slist_free_all(headers)
        errorText.deallocate()
        context.release()
    }

    /// A handle whose callbacks work on `exchange`, and nothing else set.
    init(for exchange: Exchange) {
        guard let pointer = curl_easy_init() else { fatalError("out of memory for an HTTP request") }
        self.pointer = pointer
        context = Unmanaged.passRetained(exchange)
        errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
        errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    }

    /// - Throws: ``TransferFailure`` with `internalFailure`: libcurl was built without something that is needed.
    func set(_ option: CURLoption, _ value: Int) throws(TransferFailure) {
        try check(pushd_easy_set_long(pointer, option, value), option)
    }

    func set(_ option: CURLoption, offset value: Int64) throws(TransferFailure) {
        try check(pushd_easy_set_offset(pointer, option, curl_off_t(value)), option)
    }

    func set(_ option: CURLoption, _ value: String?) throws(TransferFailure) {
        try check(pushd_easy_set_text(pointer, option, value), option)
    }

    /// - Parameter lines: `Name: value`, `Name;` for an empty value, `Name:` to leave out one of libcurl's own.
    mutating func setHeaders(_ lines: [String]) throws(TransferFailure) {
        for line in lines {
            guard let longer = curl_slist_append(headers, line) else { fatalError("out of memory for a header") }
            headers = longer
        }
        try check(pushd_easy_set_headers(pointer, headers), CURLOPT_HTTPHEADER)
    }

    /// Lets libcurl call the exchange, and `sockets` when it closes a connection, which may be long after this transfer.
    ///
    /// - Parameter sockets: must live as long as the multi handle.
    func setCallbacks(_ sockets: Sockets) throws(TransferFailure) {
        let context = context.toOpaque()
        for option in [
            CURLOPT_READDATA, CURLOPT_SEEKDATA, CURLOPT_WRITEDATA, CURLOPT_HEADERDATA, CURLOPT_SOCKOPTDATA,
            CURLOPT_PREREQDATA, CURLOPT_OPENSOCKETDATA,
        ] {
            try check(pushd_easy_set_pointer(pointer, option, context), option)
        }
        try check(pushd_easy_set_pointer(pointer, CURLOPT_ERRORBUFFER, errorText), CURLOPT_ERRORBUFFER)

        let read = pushd_easy_set_read(pointer) { buffer, size, count, context in
            guard let exchange = EasyHandle.exchange(context) else { return Int(CURL_READFUNC_ABORT) }
            let buffer = UnsafeMutableRawBufferPointer(start: buffer, count: size * count)
            switch exchange.nextPiece(into: buffer) {
            case .bytes(let count): return count
            case .later: return Int(CURL_READFUNC_PAUSE)
            case .never: return Int(CURL_READFUNC_ABORT)
            }
        }
        try check(read, CURLOPT_READFUNCTION)
        let seek = pushd_easy_set_seek(pointer) { context, offset, origin in
            let isFromStart = origin == 0  // SEEK_SET; libcurl asks for nothing else
            guard let exchange = EasyHandle.exchange(context), isFromStart else { return CURL_SEEKFUNC_FAIL }
            return exchange.rewind(to: Int64(offset)) ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_FAIL
        }
        try check(seek, CURLOPT_SEEKFUNCTION)
        let header = pushd_easy_set_header(pointer) { bytes, size, count, context in
            let line = UnsafeRawBufferPointer(start: bytes, count: size * count)
            // Any other number than that of the bytes ends the transfer; a line is never empty.
            return EasyHandle.exchange(context)?.take(line: line) == true ? line.count : 0
        }
        try check(header, CURLOPT_HEADERFUNCTION)
        let write = pushd_easy_set_write(pointer) { bytes, size, count, context in
            let piece = UnsafeRawBufferPointer(start: bytes, count: size * count)
            guard piece.count > 0 else { return 0 }
            return EasyHandle.exchange(context)?.take(piece: piece) == true ? piece.count : 0
        }
        try check(write, CURLOPT_WRITEFUNCTION)
        let socket = pushd_easy_set_socket(pointer) { context, socket, _ in
            EasyHandle.exchange(context)?.connecting(on: socket)
            return CURL_SOCKOPT_OK
        }
        try check(socket, CURLOPT_SOCKOPTFUNCTION)
        let ready = pushd_easy_set_ready(pointer) { context, peer, _, _, localPort in
            let peer = peer.map { String(cString: $0) } ?? ""
            let mayGo = EasyHandle.exchange(context)?.connected(localPort: Int(localPort), peer: peer) ?? false
            return mayGo ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT
        }
        try check(ready, CURLOPT_PREREQFUNCTION)

        let unretained = Unmanaged.passUnretained(sockets).toOpaque()
        try check(pushd_easy_set_pointer(pointer, CURLOPT_CLOSESOCKETDATA, unretained), CURLOPT_CLOSESOCKETDATA)
        let close = pushd_easy_set_close(pointer) { context, socket in
            guard let context else { return -1 }
            return Unmanaged<Sockets>.fromOpaque(context).takeUnretainedValue().close(socket)
        }
        try check(close, CURLOPT_CLOSESOCKETFUNCTION)
    }

    /// Lets libcurl connect only to addresses that the exchange allows.
    func guardConnecting() throws(TransferFailure) {
        let open = pushd_easy_set_open(pointer) { context, _, address in
            guard let address, let exchange = EasyHandle.exchange(context),
                // In place: an IPv6 address is longer than the type that stands there.
                let offset = MemoryLayout<curl_sockaddr>.offset(of: \.addr),
                exchange.mayConnect(to: IPAddress(UnsafeRawPointer(address).advanced(by: offset)))
            else { return -1 }
            let socket = address.pointee
            return Glibc.socket(socket.family, socket.socktype | Int32(SOCK_CLOEXEC.rawValue), socket.protocol)
        }
        try check(open, CURLOPT_OPENSOCKETFUNCTION)
    }

    /// libcurl's words for what went wrong; empty if it has none.
    var message: String { String(cString: errorText) }

    /// The error of the system below, 0 if there was none.
    var systemError: Int32 { Int32(truncatingIfNeeded: long(CURLINFO_OS_ERRNO)) }

    /// Why the server's certificate was refused, as an `X509_V_ERR_…` of OpenSSL; 0 if it was not.
    var verificationError: Int { long(CURLINFO_SSL_VERIFYRESULT) }

    /// Bytes of the body that the system took.
    var uploaded: Int64 {
        var value: curl_off_t = 0
        return pushd_easy_get_offset(pointer, CURLINFO_SIZE_UPLOAD_T, &value) == CURLE_OK ? Int64(value) : 0
    }

    /// Bytes of the answer's body that came.
    var downloaded: Int64 {
        var value: curl_off_t = 0
        return pushd_easy_get_offset(pointer, CURLINFO_SIZE_DOWNLOAD_T, &value) == CURLE_OK ? Int64(value) : 0
    }

    /// Whether the transfer went over pooled connections only.
    var isOnPooledConnection: Bool { long(CURLINFO_NUM_CONNECTS) == 0 }

    /// Asks for the body's next piece again, after the incoming bytes have been read.
    func resume() { curl_easy_pause(pointer, CURLPAUSE_CONT) }

    func long(_ info: CURLINFO) -> Int {
        var value = 0
        return pushd_easy_get_long(pointer, info, &value) == CURLE_OK ? value : 0
    }

    private static func exchange(_ context: UnsafeMutableRawPointer?) -> Exchange? {
        context.map { Unmanaged<Exchange>.fromOpaque($0).takeUnretainedValue() }
    }

    func check(_ code: CURLcode, _ option: CURLoption) throws(TransferFailure) {
        guard code != CURLE_OK else { return }
        let reason = "libcurl refuses option \(option.rawValue): \(String(cString: curl_easy_strerror(code)))"
        throw TransferFailure(cause: .internalFailure(reason: reason))
    }
}
