internal import HTTP

/// The bearer tokens of one registry, at most 512.
struct TokenCache: Sendable {
    struct Key: Hashable, Sendable {
        let realm: HTTPURL
        let service: String?
        /// What is needed most stands first.
        let scopes: [AccessScope]
        /// Nil: asked for anonymously.
        let login: FoundCredential?

        /// The order of scopes is a wish of some token servers, and no other question.
        static func == (one: Key, other: Key) -> Bool { one.isSameQuestion(as: other) && one.login == other.login }

        func hash(into hasher: inout Hasher) {
            hasher.combine(realm)
            hasher.combine(service)
            hasher.combine(Set(scopes))
            hasher.combine(login)
        }

        func with(_ login: FoundCredential) -> Key { Key(realm: realm, service: service, scopes: scopes, login: login) }

        fileprivate func isSameQuestion(as other: Key) -> Bool {
            realm == other.realm && service == other.service && Set(scopes) == Set(other.scopes)
        }
    }

    struct Token: Sendable {
        /// The value of `Authorization`.
        let authorization: Secret
        let life: Duration
        let promised: Duration
        let arrived: ContinuousClock.Instant
        /// The login that it was issued for; nil: it was issued anonymously.
        let login: FoundCredential?
        let granted: [AccessScope]?

        init(
            _ token: Secret, life: Duration, promised: Duration? = nil, at now: ContinuousClock.Instant,
            login: FoundCredential?,
            granted: [AccessScope]?
        ) {
            authorization = Secret("Bearer " + token.revealed())
            self.life = life
            self.promised = promised ?? life
            arrived = now
            self.login = login
            self.granted = granted
        }

        var expires: ContinuousClock.Instant { arrived + life }

        /// Whether a registry that refuses it means it: hardly a token ends, and few are revoked, in ten seconds. One
        /// that is given a shorter life may have been on its way for a part of it.
        func isFresh(at now: ContinuousClock.Instant) -> Bool { now - arrived < min(.seconds(10), promised / 2) }

        /// Whether it lasts for a request. The margin is a quarter of its life, five minutes at most: clocks differ, and
        /// requests wait for a connection. More than three quarters of its life no token can promise.
        func lasts(_ lifeNeeded: Duration, at now: ContinuousClock.Instant) -> Bool {
            let margin = min(life / 4, .seconds(300))
            return expires - now >= max(margin, min(lifeNeeded, life * 3 / 4))
        }
    }

    private var tokens: [Key: Token] = [:]

    subscript(_ key: Key) -> Token? {
        get { tokens[key] }
        set { tokens[key] = newValue }
    }

    func usable(_ key: Key, at now: ContinuousClock.Instant, lifeNeeded: Duration) -> Token? {
        tokens[key].flatMap { $0.lasts(lifeNeeded, at: now) ? $0 : nil }
    }

    /// Where the same scopes were asked for with another login, that login is no longer stored: all its tokens are dropped.
    mutating func dropReplaced(by key: Key) {
        let gone = Set(tokens.keys.filter { $0.isSameQuestion(as: key) && $0.login != key.login }.map(\.login))
        if !gone.isEmpty { tokens = tokens.filter { !gone.contains($0.key.login) } }
    }

    /// Makes room first: what has ended goes, and then what ends first.
    mutating func insert(_ token: Token, for key: Key, at now: ContinuousClock.Instant) {
        if tokens.count >= 512 {
            tokens = tokens.filter { $0.value.expires > now }
            while tokens.count >= 512, let first = tokens.min(by: { $0.value.expires < $1.value.expires }) {
                tokens[first.key] = nil
            }
        }
        tokens[key] = token
    }
}
