import HTTP
import Testing

@testable import Registry

@Suite("The tokens kept")
struct TokenCacheTests {
    private func key(_ number: Int) throws -> TokenCache.Key {
        TokenCache.Key(
            realm: try HTTPURL(parsing: "https://a/"), service: nil, scopes: [.pull("r\(number)")], login: nil)
    }

    private func token(life: Int, at now: ContinuousClock.Instant) -> TokenCache.Token {
        TokenCache.Token(Secret("t"), life: .seconds(life), at: now, login: nil, granted: nil)
    }

    @Test("are at most 512: those that have ended go first, then those that end soonest")
    func bound() throws {
        let keys = try (0..<602).map(key)
        var cache = TokenCache()
        let start = ContinuousClock.now
        for number in 0..<512 { cache.insert(token(life: 100 + number, at: start), for: keys[number], at: start) }
        #expect(cache[keys[0]] != nil)
        cache.insert(token(life: 900, at: start), for: keys[600], at: start)
        #expect(cache[keys[0]] == nil && cache[keys[1]] != nil && cache[keys[600]] != nil)
        let later = start + .seconds(400)
        cache.insert(token(life: 900, at: later), for: keys[601], at: later)
        #expect(cache[keys[300]] == nil && cache[keys[301]] != nil)
    }

    @Test("are told apart by realm, service, login and scopes, in any order of these")
    func keys() throws {
        let realm = try HTTPURL(parsing: "https://a/")
        func key(_ service: String?, _ scopes: [AccessScope], _ login: FoundCredential? = nil) -> TokenCache.Key {
            TokenCache.Key(realm: realm, service: service, scopes: scopes, login: login)
        }
        #expect(key("s", [.pull("a"), .push("b")]) == key("s", [.push("b"), .pull("a")]))
        #expect(key("s", [.pull("a")]) != key("s", [.push("a")]))
        #expect(key("s", []) != key(nil, []))
        #expect(key("s", [], .alice) != key("s", []))
        #expect(Set([key("s", [.pull("a"), .push("b")]), key("s", [.push("b"), .pull("a")])]).count == 1)
    }

    @Test("of a login that is gone are dropped, those of others kept")
    func gone() throws {
        let realm = try HTTPURL(parsing: "https://a/")
        let bob = FoundCredential(credential: .basic(user: "bob", password: Secret("b")), origin: "/b")
        func key(_ name: String, _ login: FoundCredential?) -> TokenCache.Key {
            TokenCache.Key(realm: realm, service: nil, scopes: [.pull(name)], login: login)
        }
        let (one, two, other) = (key("a", .alice), key("b", .alice), key("c", bob))
        var cache = TokenCache()
        let now = ContinuousClock.now
        for key in [one, two, other] { cache.insert(token(life: 900, at: now), for: key, at: now) }
        cache.dropReplaced(by: one)
        #expect(cache[one] != nil && cache[two] != nil && cache[other] != nil)
        cache.dropReplaced(by: key("a", nil))
        #expect(cache[one] == nil && cache[two] == nil && cache[other] != nil)
    }
}
