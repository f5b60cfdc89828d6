internal import FoundationEssentials
internal import HTTP
internal import OCI

/// The tags of a repository or the repositories of a registry, a page at a time.
///
/// A page is asked for when it is wanted, so that a reader who has seen enough costs nothing more. Names come in the
/// registry's own order.
///
/// Source: OCI distribution-spec 1.1, "Listing Tags"; Docker Registry HTTP API V2, "Listing Repositories".
public actor NamePages {
    private struct Page: Decodable {
        /// Null where there are none.
        let tags: [String]?
        let repositories: [String]?
    }

    private let client: RegistryClient
    private let attempt: Attempt
    private let scope: AccessScope
    private let isCatalog: Bool
    /// What is asked next; nil at the end.
    private var target: HTTPURL?
    private var asked: Set<HTTPURL> = []
    private var wanted: Int

    /// Registries that take no number for a page may send all names at once.
    private static let largestPage = 64 << 20
    /// How many names are asked for at once. Some registries refuse more for repositories.
    private static let (tagsAtOnce, repositoriesAtOnce) = (1000, 100)

    /// - Parameters:
    ///   - repository: whose tags; nil for the registry's repositories.
    ///   - limit: how many names are wanted in all.
    init(_ client: RegistryClient, repository: String?, limit: Int?) throws(RegistryError) {
        self.client = client
        isCatalog = repository == nil
        wanted = limit ?? .max
        if let repository {
            attempt = Attempt(.listTags, "list the tags of \(repository)", at: client.domain, repository: repository)
            scope = .pull(repository)
            target = try client.url(
                "/v2/\(repository)/tags/list?n=\(min(wanted, Self.tagsAtOnce))", for: attempt)
        } else {
            attempt = Attempt(.listRepositories, "list the repositories", at: client.domain, repository: nil)
            scope = .catalog
            target = try client.url("/v2/_catalog?n=\(min(wanted, Self.repositoriesAtOnce))", for: attempt)
        }
    }

    /// The next names, at least one; nil when there are no more.
    ///
    /// - Throws: ``RegistryError``, with ``RegistryError/Cause/contentMissing`` for a repository that is not there and
    ///   ``RegistryError/Cause/listingUnsupported`` where the registry does not list its repositories;
    ///   `CancellationError`.
    public func next() async throws -> [String]? {
        while let url = target, wanted > 0 {
            let names = try await read(url)
            if !names.isEmpty {
                wanted -= names.count
                return names
            }
        }
        return nil
    }

    private func read(_ url: HTTPURL) async throws -> [String] {
        var call = Courier.Call(method: .get, url: url, scopes: [scope], attempt: attempt)
        call.responseBytes = Self.largestPage
        let response = try await client.courier.ask(call)
        let answer = ServerAnswer(response)
        guard response.status == 200 else { throw attempt.error(answer) }
        guard let page = try? JSONDecoder().decode(Page.self, from: Data(response.body)) else {
            throw attempt.misfit(answer, "it is no list of names")
        }
        asked.insert(url)
        target = try next(after: response, answer)
        return Array(((isCatalog ? page.repositories : page.tags) ?? []).prefix(wanted))
    }

    private func next(after response: HTTPResponse, _ answer: ServerAnswer) throws(RegistryError) -> HTTPURL? {
        guard let link = LinkHeader.next(in: response.headers.values("Link")) else { return nil }
        let next: HTTPURL
        do { next = try response.url.resolving(link) } catch {
            throw attempt.misfit(answer, "the next page's address is none")
        }
        // The login is sent to the registry's own origin only.
        guard next.origin == client.courier.endpoint.origin else {
            throw attempt.misfit(answer, "the next page is said to be at another server")
        }
        guard !asked.contains(next) else { throw attempt.misfit(answer, "its pages follow each other in a circle") }
        return next
    }
}

extension RegistryClient {
    /// The repository's tags.
    public func tags(of repository: String, limit: Int? = nil) throws(RegistryError) -> NamePages {
        try NamePages(self, repository: repository, limit: limit)
    }

    /// The registry's repositories, where it lists them: many don't.
    public func repositories(limit: Int? = nil) throws(RegistryError) -> NamePages {
        try NamePages(self, repository: nil, limit: limit)
    }
}
