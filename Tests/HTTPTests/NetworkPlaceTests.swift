import TestSupport
import Testing

@testable import HTTP

@Suite("Where an address is")
struct NetworkPlaceTests {
    @Test(
        "shows at the edges of the special ranges",
        arguments: [
            ("8.8.8.8", NetworkPlace.world), ("172.15.255.255", .world), ("172.16.0.0", .ownNetwork),
            ("172.32.0.0", .world), ("10.0.0.1", .ownNetwork), ("192.168.255.255", .ownNetwork),
            ("192.169.0.0", .world),
            ("100.63.255.255", .world), ("100.127.255.255", .ownNetwork), ("100.128.0.0", .world),
            ("126.255.255.255", .world), ("127.255.255.255", .thisMachine), ("128.0.0.0", .world),
            ("198.17.255.255", .world), ("198.19.0.0", .ownNetwork), ("223.255.255.255", .world), ("224.0.0.1", .link),
            ("255.255.255.255", .link), ("0.0.0.0", .link), ("0.1.2.3", .link), ("169.253.255.255", .world),
            ("169.254.169.254", .link), ("100.100.100.200", .link), ("168.63.129.16", .link), ("192.0.0.192", .link),
            // What the resolver takes for such addresses.
            ("127.1", .thisMachine), ("2130706433", .thisMachine), ("0x7f000001", .thisMachine),
            ("0177.0.0.1", .thisMachine), ("0xA9FEA9FE", .link),
            ("[::1]", .thisMachine), ("[::]", .link), ("[::2]", .link), ("[2001:4860:4860::8888]", .world),
            ("[fbff::1]", .world), ("[fc00::1]", .ownNetwork), ("[fd00::1]", .ownNetwork), ("[fe7f::1]", .world),
            ("[fe80::1]", .link), ("[febf::1]", .link), ("[fec0::1]", .ownNetwork), ("[ff02::1]", .link),
            ("[fd00:ec2::254]", .link), ("[::ffff:127.0.0.1]", .thisMachine), ("[::ffff:a9fe:a9fe]", .link),
            ("[64:ff9b::a00:1]", .ownNetwork), ("[64:ff9b::7f00:1]", .thisMachine), ("[2002:7f00:1::]", .thisMachine),
            ("[2002:808:808::]", .world), ("[fe80::1%eth0]", .link),
            ("localhost", .thisMachine), ("LOCALHOST.", .thisMachine), ("api.localhost", .thisMachine),
            ("localhost.example", nil), ("notlocalhost", nil), ("registry.example", nil),
        ] as [(String, NetworkPlace?)])
    func named(host: String, place: NetworkPlace?) {
        #expect(NetworkPlace.named(by: host) == place)
    }

    @Test("is what a server there may lead to, but for the machine's own link")
    func leads() {
        #expect(NetworkPlace.allCases.map(\.leadsTo) == [.world, .ownNetwork, .thisMachine, .ownNetwork])
    }
}

/// What a server is called says nothing of where it is: that shows when it is connected to.
@Suite("A request with a reach")
struct ReachOfRequestTests {
    @Test("makes no connection to a server further inside", arguments: ["127.0.0.1", "localhost"])
    func outOfReach(host: String) async throws {
        let http = HTTPClient()
        try await ScriptedServer.with({ try $0.send(Answer(200)) }) { server in
            let url = try HTTPURL(parsing: "http://\(host):\(server.port)/")
            for (reach, isReached) in [(NetworkPlace.world, false), (.ownNetwork, false), (.thisMachine, true)] {
                var request = HTTPRequest(url: url)
                request.reach = reach
                let before = server.connectionsAccepted
                do {
                    let response = try await http.send(request)
                    #expect(isReached && response.place == .thisMachine)
                } catch let error as HTTPError {
                    // The name may have both.
                    let causes: [HTTPError.Cause] = [.outOfReach(address: "127.0.0.1"), .outOfReach(address: "::1")]
                    #expect(!isReached && causes.contains(error.cause), "\(error)")
                    #expect(server.connectionsAccepted == before)
                }
            }
        }
        await http.shutdown()
    }

    @Test("is not sent on a pooled connection that another request made")
    func pooled() async throws {
        let http = HTTPClient()
        try await ScriptedServer.with({ try $0.send(Answer(200)) }) { server in
            var request = HTTPRequest(url: try HTTPURL(parsing: "http://localhost:\(server.port)/a"))
            #expect(try await http.send(request).status == 200)
            request = HTTPRequest(url: try HTTPURL(parsing: "http://localhost:\(server.port)/b"))
            request.reach = .world
            let refused = request
            let error = await #expect(throws: HTTPError.self) { try await http.send(refused) }
            guard case .outOfReach? = error?.cause else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(server.requests.map(\.target) == ["/a"])
        }
        await http.shutdown()
    }
}
