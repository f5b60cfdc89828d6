import OCI
import Testing

/// The names that the distribution project publishes for its own reader, which Docker uses, and what becomes of them.
///
/// Source: github.com/distribution/reference, commit 0965666 (Apache-2.0): `reference_test.go` (TestReferenceParse)
/// and `normalize_test.go` (TestValidateReferenceName, TestValidateRemoteName, TestParseRepositoryInfo,
/// TestParseReferenceWithTagAndDigest, TestInvalidReferenceComponents, TestParseAnyReference,
/// TestNormalizedSplitHostname, TestParseDockerRef). What is a case of its unnormalised reader stands here as the
/// normalised one has it. Left out: `sha256:` and 64 digits as a name for an image id, which is read as a name with a
/// tag by the function that Docker reads names with; and SHA-512, which there depends on what is linked in.
@Suite("The names that the distribution project publishes")
struct DistributionNamesTests {
    private static let f64 = String(repeating: "f", count: 64)
    private static let digest = "@sha256:" + f64
    private static let long = String(repeating: "a", count: 255)
    private static let deep = String(repeating: "a/", count: 127) + "a"
    private static let endless = "thisisthesongthatneverendsitgoesonandonandonthisisthesongthatnev"
    private static let hex = "1a3f5e7d9c1b3a5f7e9d1c3b5a7f9e1d3c5b7a9f1e3d5d7c9b1a3f5e7d9c1b3a"
    private static let redis = "dbcc1c35ac38df41fd2f5e4130b32ffdb93ebae8b3dbe638c23575912276fc9c"

    /// A name, and the same written out.
    static let valid: [(String, String)] = [
        // TestReferenceParse
        ("test_com", "docker.io/library/test_com"), ("test.com:tag", "docker.io/library/test.com:tag"),
        ("test.com:5000", "docker.io/library/test.com:5000"), ("test.com/repo:tag", "test.com/repo:tag"),
        ("test:5000/repo", "test:5000/repo"), ("test:5000/repo:tag", "test:5000/repo:tag"),
        ("test:5000/repo" + digest, "test:5000/repo" + digest),
        ("test:5000/repo:tag" + digest, "test:5000/repo:tag" + digest),
        ("lowercase:Uppercase", "docker.io/library/lowercase:Uppercase"),
        (deep + ":tag-puts-this-over-max", "docker.io/" + deep + ":tag-puts-this-over-max"),
        ("sub-dom1.foo.com/bar/baz/quux", "sub-dom1.foo.com/bar/baz/quux"),
        ("sub-dom1.foo.com/bar/baz/quux:some-long-tag", "sub-dom1.foo.com/bar/baz/quux:some-long-tag"),
        ("b.gcr.io/test.example.com/my-app:test.example.com", "b.gcr.io/test.example.com/my-app:test.example.com"),
        ("xn--n3h.com/myimage:xn--n3h.com", "xn--n3h.com/myimage:xn--n3h.com"),
        ("xn--7o8h.com/myimage:xn--7o8h.com" + digest, "xn--7o8h.com/myimage:xn--7o8h.com" + digest),
        ("foo_bar.com:8080", "docker.io/library/foo_bar.com:8080"),
        ("foo/foo_bar.com:8080", "docker.io/foo/foo_bar.com:8080"),
        ("192.168.1.1", "docker.io/library/192.168.1.1"), ("192.168.1.1:tag", "docker.io/library/192.168.1.1:tag"),
        ("192.168.1.1:5000", "docker.io/library/192.168.1.1:5000"), ("192.168.1.1/repo", "192.168.1.1/repo"),
        ("192.168.1.1:5000/repo", "192.168.1.1:5000/repo"),
        ("192.168.1.1:5000/repo:5050", "192.168.1.1:5000/repo:5050"),
        ("[2001:db8::1]/repo", "[2001:db8::1]/repo"),
        ("[2001:db8:1:2:3:4:5:6]/repo:tag", "[2001:db8:1:2:3:4:5:6]/repo:tag"),
        ("[2001:db8::1]:5000/repo", "[2001:db8::1]:5000/repo"),
        ("[2001:db8::1]:5000/repo:tag", "[2001:db8::1]:5000/repo:tag"),
        ("[2001:db8::1]:5000/repo" + digest, "[2001:db8::1]:5000/repo" + digest),
        ("[2001:db8::1]:5000/repo:tag" + digest, "[2001:db8::1]:5000/repo:tag" + digest),
        ("[2001:db8::]:5000/repo", "[2001:db8::]:5000/repo"), ("[::1]:5000/repo", "[::1]:5000/repo"),
        ("example.com/" + long + ":tag", "example.com/" + long + ":tag"),
        // TestValidateReferenceName
        ("docker/docker", "docker.io/docker/docker"), ("library/debian", "docker.io/library/debian"),
        ("debian", "docker.io/library/debian"), ("localhost/library/debian", "localhost/library/debian"),
        ("localhost/debian", "localhost/debian"), ("LOCALDOMAIN/library/debian", "LOCALDOMAIN/library/debian"),
        ("LOCALDOMAIN/debian", "LOCALDOMAIN/debian"), ("docker.io/docker/docker", "docker.io/docker/docker"),
        ("docker.io/library/debian", "docker.io/library/debian"), ("docker.io/debian", "docker.io/library/debian"),
        ("index.docker.io/docker/docker", "docker.io/docker/docker"),
        ("index.docker.io/library/debian", "docker.io/library/debian"),
        ("index.docker.io/debian", "docker.io/library/debian"),
        ("127.0.0.1:5000/docker/docker", "127.0.0.1:5000/docker/docker"),
        ("127.0.0.1:5000/library/debian", "127.0.0.1:5000/library/debian"),
        ("127.0.0.1:5000/debian", "127.0.0.1:5000/debian"), ("192.168.0.1", "docker.io/library/192.168.0.1"),
        ("192.168.0.1:80", "docker.io/library/192.168.0.1:80"), ("192.168.0.1:8/debian", "192.168.0.1:8/debian"),
        ("192.168.0.2:25000/debian", "192.168.0.2:25000/debian"), (endless, "docker.io/library/" + endless),
        ("[fc00::1]:5000/docker", "[fc00::1]:5000/docker"),
        ("[fc00::1]:5000/docker/docker", "[fc00::1]:5000/docker/docker"),
        ("[fc00:1:2:3:4:5:6:7]:5000/library/debian", "[fc00:1:2:3:4:5:6:7]:5000/library/debian"),
        ("docker.io/" + hex, "docker.io/library/" + hex), ("Docker/docker", "Docker/docker"),
        ("DOCKER/docker", "DOCKER/docker"),
        // TestValidateRemoteName
        ("docker-rules/docker", "docker.io/docker-rules/docker"),
        ("docker---rules/docker", "docker.io/docker---rules/docker"), ("doc/docker", "docker.io/doc/docker"),
        ("d/docker", "docker.io/d/docker"), ("jess/t", "docker.io/jess/t"),
        ("dock__er/docker", "docker.io/dock__er/docker"),
        // TestParseRepositoryInfo
        ("localhost/fooo", "localhost/fooo"), ("localhost/fooo/bar", "localhost/fooo/bar"),
        ("LOCALDOMAIN/fooo", "LOCALDOMAIN/fooo"), ("LOCALDOMAIN/fooo/bar", "LOCALDOMAIN/fooo/bar"),
        ("fooo/bar", "docker.io/fooo/bar"), ("docker.io/fooo/bar", "docker.io/fooo/bar"),
        ("index.docker.io/fooo/bar", "docker.io/fooo/bar"), ("ubuntu", "docker.io/library/ubuntu"),
        ("docker.io/library/ubuntu", "docker.io/library/ubuntu"), ("library/ubuntu", "docker.io/library/ubuntu"),
        ("nonlibrary/ubuntu", "docker.io/nonlibrary/ubuntu"), ("other/library", "docker.io/other/library"),
        ("127.0.0.1:8000/private/moonbase", "127.0.0.1:8000/private/moonbase"),
        ("127.0.0.1:8000/privatebase", "127.0.0.1:8000/privatebase"),
        ("example.com/private/moonbase", "example.com/private/moonbase"),
        ("example.com/privatebase", "example.com/privatebase"),
        ("example.com:8000/private/moonbase", "example.com:8000/private/moonbase"),
        ("example.com:8000/privatebasee", "example.com:8000/privatebasee"),
        ("ubuntu-12.04-base", "docker.io/library/ubuntu-12.04-base"),
        ("index.docker.io/library/ubuntu-12.04-base", "docker.io/library/ubuntu-12.04-base"),
        ("docker.io/foo", "docker.io/library/foo"), ("library/foo/bar", "docker.io/library/foo/bar"),
        ("docker.io/library/foo/bar", "docker.io/library/foo/bar"), ("store/foo/bar", "docker.io/store/foo/bar"),
        ("docker.io/store/foo/bar", "docker.io/store/foo/bar"), ("Foo/bar", "Foo/bar"), ("FOO/bar", "FOO/bar"),
        // TestParseReferenceWithTagAndDigest, TestParseAnyReference
        ("busybox:latest" + digest, "docker.io/library/busybox:latest" + digest),
        ("redis", "docker.io/library/redis"), ("redis:latest", "docker.io/library/redis:latest"),
        ("docker.io/library/redis:latest", "docker.io/library/redis:latest"),
        ("redis@sha256:" + redis, "docker.io/library/redis@sha256:" + redis),
        ("docker.io/library/redis@sha256:" + redis, "docker.io/library/redis@sha256:" + redis),
        ("dmcgowan/myapp", "docker.io/dmcgowan/myapp"), ("dmcgowan/myapp:latest", "docker.io/dmcgowan/myapp:latest"),
        ("docker.io/mcgowan/myapp:latest", "docker.io/mcgowan/myapp:latest"),
        ("dmcgowan/myapp@sha256:" + redis, "docker.io/dmcgowan/myapp@sha256:" + redis),
        ("docker.io/dmcgowan/myapp@sha256:" + redis, "docker.io/dmcgowan/myapp@sha256:" + redis),
        (String(redis.dropLast()), "docker.io/library/" + redis.dropLast()), ("dbcc1", "docker.io/library/dbcc1"),
        // TestNormalizedSplitHostname
        ("test.com/foo", "test.com/foo"), ("test_com/foo", "docker.io/test_com/foo"),
        ("docker/migrator", "docker.io/docker/migrator"), ("test.com:8080/foo", "test.com:8080/foo"),
        ("test-com:8080/foo", "test-com:8080/foo"), ("foo", "docker.io/library/foo"),
        ("xn--n3h.com/foo", "xn--n3h.com/foo"), ("xn--n3h.com:18080/foo", "xn--n3h.com:18080/foo"),
        ("docker.io/library/foo", "docker.io/library/foo"),
    ]

    static let invalid = [
        // TestReferenceParse
        "", ":justtag", digest, "repo@sha256:" + f64.prefix(34), "validname@invaliddigest:" + f64, "Uppercase:tag",
        "test:5000/Uppercase/lowercase:tag", "domain/" + long + "a:tag", "aa/asdf$$^/aa", "[2001:db8::1]",
        "[2001:db8::1]:5000", "[2001:db8::1]:tag", "[fe80::1%eth0]:5000/repo", "[fe80::1%@invalidzone]:5000/repo",
        // TestValidateReferenceName
        "https://github.com/docker/docker", "docker/Docker", "-docker", "-docker/docker", "-docker.io/docker/docker",
        "docker///docker", "docker.io/docker/Docker", "docker.io/docker///docker", "[fc00::1]", "[fc00::1]:5000",
        "fc00::1:5000/debian", "[fe80::1%eth0]:5000/debian", "[2001:db8:3:4::192.0.2.33]:5000/debian", hex,
        // TestValidateRemoteName
        "docker-/docker", "-docker-/docker", "____/____", "_docker/_docker", "dock..er/docker", "dock_.er/docker",
        "dock-.er/docker", "docker/",
        String(repeating: "this_is_not_a_valid_namespace_because_its_lenth_is_greater_than_255_", count: 4).dropLast()
            + "/docker",
        // TestInvalidReferenceComponents
        "-foo", "busybox:-foo", "busybox@foo",
    ]

    @Test("are read as it reads them", arguments: valid)
    func reads(text: String, whole: String) throws {
        #expect(try ImageReference(parsing: text).description == whole)
    }

    @Test("are refused where it refuses them", arguments: invalid)
    func refuses(text: String) {
        #expect(throws: ImageReferenceError.self) { try ImageReference(parsing: text) }
    }

    @Test(
        "get the tag latest where they have neither tag nor digest",
        arguments: [
            ("busybox", "docker.io/library/busybox:latest"), ("busybox:latest", "docker.io/library/busybox:latest"),
            ("busybox" + digest, "docker.io/library/busybox" + digest),
            ("library/busybox", "docker.io/library/busybox:latest"),
            ("docker.io/busybox", "docker.io/library/busybox:latest"),
            ("docker.io/library/busybox", "docker.io/library/busybox:latest"),
            ("docker.io/busybox:latest", "docker.io/library/busybox:latest"),
            ("library/busybox:latest", "docker.io/library/busybox:latest"),
            ("docker.io/library/busybox:latest", "docker.io/library/busybox:latest"),
            ("gcr.io/library/busybox", "gcr.io/library/busybox:latest"),
        ])
    func defaultTag(text: String, whole: String) throws {
        #expect(try ImageReference(parsing: text).withDefaultTag("latest").description == whole)
    }
}
