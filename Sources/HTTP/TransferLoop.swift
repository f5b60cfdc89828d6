internal import CCurl

/// What the client's thread does: takes calls, moves transfers, watches their time, hands out answers.
final class TransferLoop {
    /// A call that libcurl works on. Its handle must be removed from the multi handle before it is released.
    private final class Transfer {
        let call: Inbox.Call
        let exchange: Exchange
        let easy: EasyHandle
        /// Through which it goes.
        let proxy: Proxy?

        init(_ call: Inbox.Call, _ exchange: Exchange, _ easy: consuming EasyHandle, _ proxy: Proxy?) {
            self.call = call
            self.exchange = exchange
            self.proxy = proxy
            self.easy = easy
        }
    }

    /// How often progress is reported and the wire is looked at.
    private static let tick = Duration.milliseconds(250)

    private let inbox: Inbox
    private let configuration: HTTPClient.Configuration
    private let trust: TrustStore
    private var multi: MultiHandle
    private var transfers: [UInt64: Transfer] = [:]
    private var ids: [UnsafeMutableRawPointer: UInt64] = [:]
    private var admission: Admission<Inbox.Call>
    /// Calls whose host name could not be looked up, until it is known why.
    private var unexplained: [UInt64: Inbox.Call] = [:]
    private var breakers = ConnectionBreakers()
    private var nextTick = ContinuousClock.now
    /// When the last transfer ended; nil while there are some, or no connections either.
    private var idleSince: ContinuousClock.Instant?

    /// More connections than this, and idle ones are closed as transfers end.
    private static let maxPooledConnections = 256

    init(_ inbox: Inbox, _ configuration: HTTPClient.Configuration) {
        self.inbox = inbox
        self.configuration = configuration
        trust = TrustStore(configuration.authorities)
        multi = MultiHandle(maxConnections: Self.maxPooledConnections)
        admission = Admission(limit: configuration.maxConnectionsPerHost)
    }

    /// Returns after the inbox was closed, with all calls answered.
    func run() {
        while true {
            let (commands, isClosing) = inbox.take()
            for command in commands { obey(command) }
            if isClosing { break }
            if !multi.perform() { startAnew() }
            while let (easy, result) = multi.nextFinished() {
                if let transfer = ids[easy].flatMap({ transfers[$0] }) { finish(transfer, result) }
            }
            let now = ContinuousClock.now
            let nextTurn = resumePaused(now)
            if now >= nextTick { look(now) }
            multi.wait(for: inbox.wakeUp, timeout: min(patience(now), nextTurn.map { $0 - now } ?? .seconds(3600)))
        }
        endAll()
    }

    /// - Returns: when the next of those that have to wait for their turn has it.
    private func resumePaused(_ now: ContinuousClock.Instant) -> ContinuousClock.Instant? {
        var next: ContinuousClock.Instant?
        for transfer in transfers.values {
            guard let time = transfer.exchange.pausedUntil else { continue }
            if time <= now {
                transfer.exchange.unpause(now: now)
                transfer.easy.resume()
            } else {
                next = min(next ?? time, time)
            }
        }
        return next
    }

    // MARK: Calls

    private func obey(_ command: Inbox.Command) {
        switch command {
        case .start(let call):
            if call.isCancelled.isSet {  // before it waits for its turn: its command to cancel has passed
                call.continuation.resume(throwing: CancellationError())
                return
            }
            if admission.enter(call.request.url.origin, id: call.id, call) { start(call) }
        case .cancel(let id):
            if let transfer = transfers[id] {
                end(transfer, .failure(CancellationError()))
            } else if let call = unexplained.removeValue(forKey: id) ?? admission.withdraw(id: id) {
                call.continuation.resume(throwing: CancellationError())
            }
        case .explained(let id, let cause):
            guard let call = unexplained.removeValue(forKey: id) else { return }
            call.continuation.resume(throwing: HTTPError(cause: cause, url: call.request.url))
        }
    }

    /// Starts an admitted call, or where it can't be started the next one that waits.
    private func start(_ first: Inbox.Call, onFreshConnection isFresh: Bool = false) {
        var next: Inbox.Call? = first
        while let call = next {
            do throws(TransferFailure) {
                try launch(call, onFreshConnection: isFresh)
                return
            } catch {
                call.continuation.resume(throwing: HTTPError(cause: error.cause, url: call.request.url))
            }
            next = admission.leave(call.request.url.origin)
        }
    }

    private func launch(_ call: Inbox.Call, onFreshConnection isFresh: Bool) throws(TransferFailure) {
        let proxy = call.request.proxy.proxy(for: call.request.url, configuration.proxies)
        let exchange = try Exchange(
            call.request, sink: call.sink, sockets: multi.sockets, isProxied: proxy != nil, now: .now)
        var easy = EasyHandle(for: exchange)
        try easy.configure(
            call.request, configuration, trust: trust, sockets: multi.sockets, proxy: proxy,
            isDownload: call.sink != nil)
        let avoidsPool = exchange.hasBody && breakers.holds(call.request.url.origin, now: .now)
        if isFresh || avoidsPool || call.request.needsFreshConnection { try easy.set(CURLOPT_FRESH_CONNECT, 1) }
        guard multi.add(easy) else {
            throw TransferFailure(cause: .internalFailure(reason: "libcurl's multi handle takes no request"))
        }
        ids[easy.pointer] = call.id
        transfers[call.id] = Transfer(call, exchange, easy, proxy)
        idleSince = nil
    }

    // MARK: Ends

    /// libcurl is done with it.
    private func finish(_ transfer: Transfer, _ result: CURLcode) {
        let exchange = transfer.exchange
        // Before it sends anew, which it is not allowed to, libcurl forgets its count.
        if result == CURLE_SEND_FAIL_REWIND {
            exchange.reportAllHandedOut()
        } else {
            exchange.report(sent: transfer.easy.uploaded)
        }
        // libcurl makes a new connection before it asks for the body's start, which it may not be given.
        let isPooled = transfer.easy.isOnPooledConnection || result == CURLE_SEND_FAIL_REWIND
        let hasLostPooled = isPooled && isBrokenUnanswered(transfer, result) && exchange.mayBeUnread
        if hasLostPooled || exchange.hasLostConnection && result == CURLE_OK {
            breakers.note(exchange.request.url.origin, now: .now)
        }
        if let failure = exchange.failure {
            end(transfer, .failure(error(failure.cause, transfer)))
        } else if result == CURLE_OK || exchange.isAnsweredEarly {
            end(transfer, answer(transfer))
        } else if result == CURLE_COULDNT_CONNECT, let address = exchange.avoided {
            end(transfer, .failure(error(.outOfReach(address: address.text), transfer)))
        } else if result == CURLE_COULDNT_RESOLVE_HOST || result == CURLE_COULDNT_RESOLVE_PROXY {
            explain(transfer, transfer.proxy?.host ?? exchange.request.url.host, of: transfer.proxy?.name)
        } else if result == CURLE_PROXY, transfer.easy.proxyCode == CURLPX_RESOLVE_HOST {
            explain(transfer, exchange.request.url.host, of: nil)
        } else if result == CURLE_BAD_CONTENT_ENCODING, exchange.answer.isHeadComplete, !exchange.answer.isSuccess {
            end(transfer, answer(transfer))  // its status decides; what its body says is lost
        } else if result == CURLE_BAD_CONTENT_ENCODING, let coding = exchange.answer.headers.contentCoding {
            end(transfer, .failure(error(.contentCoding(coding), transfer)))
        } else if mayGoAgain(transfer, result) {
            exchange.takeBackProgress()
            detach(transfer)
            start(transfer.call, onFreshConnection: true)
        } else {
            let isConnected = exchange.watchdog.phase != .connecting
            let result = exchange.isCutOff ? CURLE_GOT_NOTHING : result
            let cause = HTTPError.Cause(
                result, transfer.easy, url: exchange.request.url, proxy: transfer.proxy, isConnected: isConnected,
                showsCertificate: exchange.request.tls.clientCertificate != nil)
            end(transfer, .failure(error(cause, transfer, isOfPooledConnection: hasLostPooled)))
        }
    }

    /// Whether it broke on a pooled connection, and either the server surely got nothing of it or it may get it twice.
    /// libcurl itself sends again only what broke while it read. A fresh connection is never pooled: no request is sent
    /// a third time.
    private func mayGoAgain(_ transfer: Transfer, _ result: CURLcode) -> Bool {
        guard transfer.easy.isOnPooledConnection else { return false }
        return transfer.exchange.isUnconfirmed
            || isBrokenUnanswered(transfer, result) && transfer.exchange.isRepeatable
    }

    /// Whether the connection broke under the request, before any byte of an answer came.
    private func isBrokenUnanswered(_ transfer: Transfer, _ result: CURLcode) -> Bool {
        let breaks = [CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_GOT_NOTHING, CURLE_SEND_FAIL_REWIND]
        return !transfer.exchange.answer.hasBegun && (transfer.exchange.isCutOff || breaks.contains(result))
    }

    private func answer(_ transfer: Transfer) -> Result<HTTPResponse, any Error> {
        let answer = transfer.exchange.answer
        guard answer.isHeadComplete else {
            return .failure(error(.malformedResponse(reason: "no final status"), transfer))
        }
        let url = transfer.call.request.url
        let middleman = url.scheme == .http && transfer.proxy?.scheme.isSOCKS == false ? transfer.proxy?.name : nil
        if let middleman, let refusal = HTTPError.Cause(of: answer, over: middleman) {
            return .failure(error(refusal, transfer))
        }
        return .success(
            HTTPResponse(
                status: answer.status, headers: answer.headers, body: answer.body, url: url, proxy: middleman,
                place: transfer.exchange.place, requestHeaders: transfer.call.request.headers))
    }

    private func error(
        _ cause: HTTPError.Cause, _ transfer: Transfer, isOfPooledConnection: Bool = false
    ) -> HTTPError {
        HTTPError(
            cause: cause, url: transfer.call.request.url, bytesSent: transfer.exchange.bytesSent,
            isOfPooledConnection: isOfPooledConnection)
    }

    /// Its answer waits for the reason, but its place among the running ones is free.
    ///
    /// - Parameter proxy: whose name `host` is; nil for the server's own.
    private func explain(_ transfer: Transfer, _ host: String, of proxy: ProxyName?) {
        let call = transfer.call
        unexplained[call.id] = call
        NameLookup.explain(host, of: proxy) { [inbox] cause in
            _ = inbox.post(.explained(id: call.id, cause))  // a closed inbox has answered the call
        }
        remove(transfer)
    }

    private func end(_ transfer: Transfer, _ result: Result<HTTPResponse, any Error>) {
        remove(transfer)
        transfer.call.continuation.resume(with: result)
    }

    private func detach(_ transfer: Transfer) {
        if let report = transfer.call.request.report {
            var details = transfer.easy.connectionDetails
            details.proxy = transfer.proxy?.name
            report.fill(details)
        }
        multi.remove(transfer.easy)
        ids[transfer.easy.pointer] = nil
        transfers[transfer.call.id] = nil
        if transfers.isEmpty { idleSince = .now }
    }

    /// Another of its origin may run in its place.
    private func remove(_ transfer: Transfer) {
        detach(transfer)
        if let next = admission.leave(transfer.call.request.url.origin) { start(next) }
    }

    /// No connection of a multi handle that failed is used again.
    private func startAnew() {
        for transfer in Array(transfers.values) {
            let cause = HTTPError.Cause.internalFailure(reason: "libcurl's multi handle failed")
            end(transfer, .failure(error(cause, transfer)))
        }
        if transfers.isEmpty { multi = MultiHandle(maxConnections: Self.maxPooledConnections) }
    }

    private func endAll() {
        for call in admission.withdrawAll() + Array(unexplained.values) {
            call.continuation.resume(throwing: CancellationError())
        }
        unexplained = [:]
        for transfer in Array(transfers.values) { end(transfer, .failure(CancellationError())) }
    }

    // MARK: Time

    /// Looks at the wire of each transfer, and ends those that have waited too long.
    private func look(_ now: ContinuousClock.Instant) {
        nextTick = now + Self.tick
        for transfer in Array(transfers.values) {
            let exchange = transfer.exchange
            exchange.report(sent: transfer.easy.uploaded)
            if exchange.isAnsweredEarly {
                end(transfer, answer(transfer))
                continue
            }
            exchange.lookAtWire(transfer.easy, now: now)
            if let overdue = exchange.watchdog.overdue(now: now) {
                let proxy = overdue == .connectTimedOut ? transfer.proxy?.name : nil
                let cause = proxy.map { ProxyTransferFailure.timedOut($0) } ?? overdue
                end(transfer, .failure(error(cause, transfer)))
            } else {
                nextTick = min(nextTick, exchange.watchdog.deadline)
            }
        }
        if transfers.isEmpty, let idleSince, now - idleSince >= configuration.idleTime {
            self.idleSince = nil
            multi = MultiHandle(maxConnections: Self.maxPooledConnections)  // closes all connections
        }
    }

    /// How long there is nothing to look at unless libcurl or a command says so.
    private func patience(_ now: ContinuousClock.Instant) -> Duration {
        guard transfers.isEmpty else { return nextTick - now }
        return idleSince.map { max($0 + configuration.idleTime, nextTick) - now } ?? .seconds(3600)
    }
}
