import OCI
import Synchronization
import TestSupport
import Testing

@testable import Registry

@Suite("Lists of names")
struct NamePagesTests {
    private static func all(_ pages: @autoclosure () throws -> NamePages) async throws -> [[String]] {
        let pages = try pages()
        var all: [[String]] = []
        while let names = try await pages.next() { all.append(names) }
        return all
    }

    /// A registry that has a page for each path and query that was asked for.
    private static func with(
        pages: @escaping @Sendable (_ target: String) -> Answer,
        _ body: (RegistryClient, ScriptedServer) async throws -> Void
    ) async throws {
        try await ScriptedServer.with({ try $0.send(pages($0.head.target)) }) { server in
            try await Bench.withClient(server.address) { client, _, _ in try await body(client, server) }
        }
    }

    private static func page(_ names: [String], next: String? = nil, key: String = "tags") -> Answer {
        let list = names.map { "\"\($0)\"" }.joined(separator: ",")
        let link = next.map { [("Link", "<\($0)>; rel=\"next\"")] } ?? []
        return Answer(200, headers: [("Content-Type", "application/json")] + link, "{\"\(key)\":[\(list)]}")
    }

    @Test("come page by page in the registry's order, and no page is asked for that is not wanted")
    func pages() async throws {
        try await Self.with { target in
            switch target {
            case "/v2/team/app/tags/list?n=1000":
                Self.page(["b", "a"], next: "/v2/team/app/tags/list?last=a&n=2")
            case "/v2/team/app/tags/list?last=a&n=2": Self.page([], next: "?last=x")
            case "/v2/team/app/tags/list?last=x": Self.page(["c"])
            default: Answer(500, "")
            }
        } _: { client, server in
            let pages = try client.tags(of: "team/app")
            #expect(try await pages.next() == ["b", "a"])
            #expect(server.requests.count == 1)
            #expect(try await Self.all(pages) == [["c"]])
            #expect(server.requests.count == 3)
        }
    }

    @Test("end at the limit, which the first page's size follows")
    func limit() async throws {
        try await Self.with { target in
            target.hasSuffix("?n=3") ? Self.page(["a", "b"], next: "/more") : Self.page(["c", "d"], next: "/evermore")
        } _: { client, server in
            let found = try await Self.all(client.tags(of: "app", limit: 3))
            #expect(found == [["a", "b"], ["c"]])
            #expect(server.requests.count == 2)
        }
    }

    @Test(
        "of a repository without tags are empty, also as null",
        arguments: [#"{"name":"a","tags":null}"#, #"{"tags":[]}"#])
    func empty(body: String) async throws {
        try await Self.with { _ in
            Answer(200, headers: [("Content-Type", "application/json")], body)
        } _: { client, _ in
            let found = try await Self.all(client.tags(of: "app"))
            #expect(found.isEmpty)
        }
    }

    @Test(
        "that make no sense are an error",
        arguments: ["http://127.0.0.1:1/v2/", "/v2/app/tags/list?n=1000", "ftp://x/"])
    func strangeNext(link: String) async throws {
        try await Self.with { _ in
            Self.page(["a"], next: link)
        } _: { client, server in
            let pages = try client.tags(of: "app")
            await #expect {
                _ = try await Self.all(pages)
            } throws: { error in
                if case .protocolViolation = (error as? RegistryError)?.cause { true } else { false }
            }
            #expect(server.requests.count == 1)
        }
    }

    @Test("that are none are an error", arguments: ["[]", "<html>", #"{"tags":"a"}"#, ""])
    func noList(body: String) async throws {
        try await Self.with { _ in
            Answer(200, body)
        } _: { client, _ in
            await #expect(throws: RegistryError.self) { _ = try await client.tags(of: "app").next() }
        }
    }

    @Test("of repositories are refused with what is meant", arguments: [404, 405, 501])
    func noCatalog(status: Int) async throws {
        try await Self.with { _ in
            Answer(status, "")
        } _: { client, _ in
            await #expect {
                _ = try await client.repositories().next()
            } throws: { error in
                (error as? RegistryError)?.cause == .listingUnsupported
            }
        }
        try await Self.with { _ in
            .refusal(404, "NAME_UNKNOWN", "unknown")
        } _: { client, _ in
            await #expect {
                _ = try await client.tags(of: "app").next()
            } throws: { error in
                (error as? RegistryError)?.cause == .contentMissing
            }
        }
    }

    @Test("of repositories are read like tags")
    func catalog() async throws {
        try await Self.with { target in
            target == "/v2/_catalog?n=100" ? Self.page(["x/y", "z"], key: "repositories") : Answer(500, "")
        } _: { client, _ in
            let found = try await Self.all(client.repositories())
            #expect(found == [["x/y", "z"]])
        }
    }

    @Test("name the next page in all spellings of RFC 8288")
    func links() {
        #expect(LinkHeader.next(in: ["</a?b,c>; rel=\"next\""]) == "/a?b,c")
        #expect(LinkHeader.next(in: ["<x>; rel=next"]) == "x")
        #expect(LinkHeader.next(in: ["<p>; rel=prev, <n> ; title=\"a, b; c\"; REL=\"last Next\""]) == "n")
        #expect(LinkHeader.next(in: ["<p>; rel=prev", "<n>; rel=next"]) == "n")
        #expect(LinkHeader.next(in: ["<p>; rel=nextish", "x", "<", "<n", ""]) == nil)
        #expect(LinkHeader.next(in: []) == nil)
        // Without the brackets.
        #expect(LinkHeader.next(in: ["/v2/_catalog?n=2&last=b; rel=\"next\""]) == "/v2/_catalog?n=2&last=b")
        #expect(LinkHeader.next(in: ["/p?n=1,2 ; rel=prev, /n ;rel=next"]) == "/n")
        #expect(LinkHeader.next(in: ["<p>; rel=prev, /n; rel=next"]) == "/n")
        #expect(LinkHeader.next(in: ["; rel=next", "/n", "/n; title=next"]) == nil)
    }
}
