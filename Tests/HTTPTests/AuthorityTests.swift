import Glibc
import Testing

@testable import HTTP

@Suite("Authorities that the environment names")
struct AuthorityPlacesTests {
    @Test(
        "are those of the two variables, empty ones left out",
        arguments: [
            ([:], nil, [], true), (["SSL_CERT_FILE": "", "SSL_CERT_DIR": ""], nil, [], true),
            (["SSL_CERT_FILE": "/a"], "/a", [], true), (["SSL_CERT_DIR": "/b:/c:"], nil, ["/b", "/c"], true),
            (["SSL_CERT_FILE": "/a", "SSL_CERT_DIR": "/b"], "/a", ["/b"], false),
        ] as [([String: String], String?, [String], Bool)])
    func variables(environment: [String: String], file: String?, directories: [String], includesSystem: Bool) {
        let places = AuthorityPlaces(environment: environment)
        #expect(places.file == file)
        #expect(places.directories == directories)
        #expect(places.includesSystem == includesSystem)
        #expect((places.description == nil) == (file == nil && directories.isEmpty))
    }

}
