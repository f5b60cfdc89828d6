internal import HTTP

extension UploadMachine {
    /// What came of an action.
    enum Event: Sendable {
        // Of startSession.
        case started(UploadSession)
        /// A success that opens nothing.
        case startMisfit(RegistryError)

        // Of askStatus.
        case held(HeldRange, at: HTTPURL?)

        // Of send.
        /// A PATCH was taken.
        case accepted(HeldRange, next: HTTPURL?)
        /// The closing PUT was obeyed.
        case stored
        /// The closing PUT got no answer, or one that leaves open whether it was, or still is, obeyed.
        case unconfirmed(RegistryError, patiently: Bool)
        /// 416; some name the byte that they want.
        case offsetRefused(RegistryError, wanted: Int64?)
        case tooLarge(RegistryError)
        /// Other bytes arrived than the digest is of.
        case contentRefused(RegistryError)
        /// The request's form, or nothing in particular, is refused.
        case refused(RegistryError)
        /// A 401 in or after a body; the login has been renewed.
        case loginRenewed(RegistryError)
        /// A pooled connection broke under the body: the registry may have seen nothing of it, or stored the blob.
        case connectionLost(RegistryError)

        // Of askStatus and send.
        case sessionGone(RegistryError)

        // Of lookForBlob.
        case blobPresent, blobAbsent
        case lookFailed(RegistryError)

        // Of checkLocalBlob.
        case localBlob(isIntact: Bool)

        /// Of any action: the attempt ends with this error, and the session is kept for the next one.
        case failed(RegistryError)
    }

    /// - Parameters:
    ///   - event: what came of the action returned last.
    ///   - body: what was sent, where that action was to send.
    mutating func next(_ event: Event, of body: Body? = nil) -> Action {
        if let error = event.error { lastError = error }
        switch event {
        case .started(let opened):
            if let minimum = opened.chunkMinimum { learned.append(.minimumChunk(minimum)) }
            session = Session(
                location: opened.location, confirmed: 0, sentUpTo: 0, chunkMinimum: opened.chunkMinimum,
                isEmpty: true, isInterrupted: false)
            return proceed()
        case .startMisfit(let error):
            guard misfitsLeft > 0 else { return .giveUp(error) }
            misfitsLeft -= 1
            return .startSession
        case .held(let range, let location): return heard(range, at: location)
        case .accepted(let range, let location): return accepted(range, next: location, body)
        case .stored: return finish(found: false)
        case .unconfirmed(let error, let patiently): return confirm(error, patiently: patiently)
        case .offsetRefused(_, let wanted): return offsetRefused(wanted: wanted, body)
        case .tooLarge: return tooLarge(body)
        case .contentRefused: return .checkLocalBlob
        case .refused(let error): return refused(error, body)
        case .loginRenewed(let error):
            session?.renewals += 1
            return session?.renewals ?? 0 <= 3 ? askStatus() : .giveUp(error)
        case .connectionLost: return askStatus()
        case .sessionGone:
            if body != nil, session?.wasSeen == false { forgotten += 1 }
            wasLostToABody = body == nil && session?.isInterrupted == true
            phase = .lookingAfterLoss
            return .lookForBlob(after: .zero)
        case .blobPresent: return finish(found: true)
        case .blobAbsent:
            if case .lookingAfterLoss = phase { return lostForGood() }
            return lookAgain()
        case .lookFailed(let error):
            if case .lookingAfterLoss = phase { return .giveUp(error) }
            return lookAgain()
        case .localBlob(let isIntact): return checked(isIntact)
        case .failed(let error): return .giveUp(error)
        }
    }

    // MARK: - The offset

    /// The status, believed as far as it agrees with what was sent.
    private mutating func heard(_ range: HeldRange, at location: HTTPURL?) -> Action {
        guard var session else { return openSession() }
        session.location = location ?? session.location
        session.wasSeen = true
        switch range {
        case .unreadable: return replaceSession()
        case .untold:
            // No Range does not mean that all arrived; after a broken body the offset is unknown.
            if session.isInterrupted { return replaceSession() }
        case .bytes, .oneOrNone:
            let held = range.least ?? 0
            if held > session.sentUpTo ?? size || held > size { return replaceSession() }
            if held < session.confirmed {
                // Some registries name the first chunk for ever: once the own count is believed instead.
                if session.wentBack { return replaceSession() }
                session.wentBack = true
            } else if held > session.confirmed {
                // A part of the body that broke off; all of it may be a body whose answer was lost.
                if session.isInterrupted, held < size, held - session.confirmed < pieceLimit(session) {
                    learned.append(.brokenBody(losesSession: false))
                }
                session.confirmed = held
                session.statusQuestions = 0
                session.renewals = 0
                session.refusedAt = nil
            }
        }
        session.isInterrupted = false
        self.session = session
        if session.refusedAt == session.confirmed, session.wentBack { return replaceSession() }
        return proceed()
    }

    private mutating func accepted(_ range: HeldRange, next location: HTTPURL?, _ body: Body?) -> Action {
        guard var session, let body else { return openSession() }
        session.location = location ?? session.location
        session.wasSeen = true
        session.patches += 1
        session.isInterrupted = false
        session.statusQuestions = 0
        session.renewals = 0
        session.refusedAt = nil
        if session.wentBack { learned.append(.rangeUnreliable) }  // it took what it said it did not have
        session.confirmed = body.range.upperBound
        if let held = range.least {
            if held > body.range.upperBound { return replaceSession() }
            // Taken in part, unless it is one of those that never move on.
            if held > body.range.lowerBound { session.confirmed = held }
        }
        self.session = session
        return proceed()
    }

    private mutating func offsetRefused(wanted: Int64?, _ body: Body?) -> Action {
        guard var session, let body else { return openSession() }
        session.wasSeen = true
        if let wanted, wanted != body.range.lowerBound, wanted >= session.confirmed,
            wanted <= session.sentUpTo ?? size, session.refusedAt == nil
        {
            session.refusedAt = body.range.lowerBound
            session.confirmed = wanted
            session.isInterrupted = false
            self.session = session
            return proceed()
        }
        if session.refusedAt != nil { return replaceSession() }
        session.refusedAt = body.range.lowerBound
        self.session = session
        return askStatus()
    }

    // MARK: - Refusals

    /// Halves the pieces, from the size that failed.
    private mutating func tooLarge(_ body: Body?) -> Action {
        guard let session, let body else { return openSession() }
        let failed = body.range.upperBound - body.range.lowerBound
        let least = max(session.chunkMinimum ?? 0, Self.smallestCap)
        guard failed > least, !takesOnePatchOnly else { return giveUp(with: .bodyTooLarge) }
        let cap = max(failed / 2, least)
        style = .chunked(cap)
        learned.append(.maximumBody(cap))
        sessionsLeft = max(sessionsLeft, 1)  // halving ends by itself
        return askStatus()
    }

    private mutating func refused(_ error: RegistryError, _ body: Body?) -> Action {
        guard let session, let body else { return openSession() }
        if body.isWholePut, !avoidsWholePut {
            avoidsWholePut = true
            suspected.append(.wholePutRefused)
            return replaceSession()
        }
        if !body.closes, session.patches == 1, !takesOnePatchOnly {
            takesOnePatchOnly = true
            suspected.append(.secondPatchRefused)
            if case .chunked = style, !learned.contains(where: \.isMaximumBody) { style = .patched }
            sessionsLeft = max(sessionsLeft, 1)
            return replaceSession()
        }
        // Valid data is refused at random by some: once more, from the start.
        guard vagueRefusalsLeft > 0 else { return .giveUp(error) }
        vagueRefusalsLeft -= 1
        return replaceSession()
    }

    private mutating func checked(_ isIntact: Bool) -> Action {
        session = nil
        guard isIntact else { return giveUp(with: .localBlobDamaged) }
        guard damagesLeft > 0 else { return giveUp(with: .damagedOnTheWay) }
        damagesLeft -= 1
        sessionsLeft = max(sessionsLeft, 1)
        return openSession()
    }

    /// The session is gone and the blob is not there.
    private mutating func lostForGood() -> Action {
        if wasLostToABody { learned.append(.brokenBody(losesSession: true)) }
        return replaceSession()
    }
}

extension UploadMachine.Event {
    var error: RegistryError? {
        switch self {
        case .startMisfit(let error), .unconfirmed(let error, _), .offsetRefused(let error, _), .tooLarge(let error),
            .contentRefused(let error), .refused(let error), .loginRenewed(let error), .connectionLost(let error),
            .sessionGone(let error),
            .lookFailed(let error), .failed(let error):
            error
        case .started, .held, .accepted, .stored, .blobPresent, .blobAbsent, .localBlob: nil
        }
    }
}

extension RegistryFact {
    fileprivate var isMaximumBody: Bool {
        if case .maximumBody = self { return true }
        return false
    }
}
