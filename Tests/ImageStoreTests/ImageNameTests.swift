import Testing

@testable import ImageStore

@Suite("The name of a local image")
struct ImageNameTests {
    func parse(_ text: String, directories: Set<String> = []) throws(ImageStoreError) -> ImageName {
        try ImageName(parsing: text) { directories.contains($0) }
    }

    @Test(
        "without a store is looked for in all",
        arguments: [
            "app", "app:1", "registry.example.com:5000/team/app:1.0", "v1+meta", "[::1]:5000/app",
            "app@sha256:0000", "oci", "docker.io/library/docker:dind",
        ])
    func named(text: String) throws {
        #expect(try parse(text) == .named(text))
    }

    @Test(
        "with a layout is split at the first colon behind the path",
        arguments: [
            ("oci:/srv/app", "/srv/app", nil),
            ("oci:/srv/app:1.0", "/srv/app", "1.0"),
            ("oci:/srv/app:registry.example.com:5000/app:1", "/srv/app", "registry.example.com:5000/app:1"),
            ("oci:/srv/app:", "/srv/app", nil),
            ("oci:/srv/app:@sha256:00", "/srv/app", "@sha256:00"),
            ("oci:/srv//app/./x/", "/srv/app/x", nil),
            ("oci:/srv/a b/ü:latest", "/srv/a b/ü", "latest"),
            ("oci:/", "/", nil),
        ] as [(String, String, String?)])
    func layout(text: String, directory: String, ref: String?) throws {
        #expect(try parse(text) == .layout(directory: directory, ref: ref))
    }

    @Test("with a layout whose path has a colon means that layout, if it is there")
    func colon() throws {
        #expect(try parse("oci:/srv/a:b", directories: ["/srv/a:b"]) == .layout(directory: "/srv/a:b", ref: nil))
        #expect(try parse("oci:/srv/a:b", directories: ["/srv/a"]) == .layout(directory: "/srv/a", ref: "b"))
    }

    @Test(
        "of a store that is not read yet is refused, with a way out",
        arguments: [
            "oci-archive:/a.tar", "docker-archive:a.tar:x", "docker:app", "docker-daemon:a:b", "containers-storage:a",
        ])
    func notSupported(text: String) {
        do throws(ImageStoreError) {
            _ = try parse(text)
            Issue.record("was taken")
        } catch {
            #expect(error.code == "not-supported")
            #expect(error.advice?.contains("skopeo copy") == true)
            #expect(error.description.contains(text))
        }
    }

    @Test(
        "that is none is refused",
        arguments: [
            "", "oci:", "oci:relative/dir", "oci:./x:1", "/srv/app", "app name", "app\n", "oci:/srv/\u{0}x", "äpp",
            "app;rm", "$(app)", "\(String(repeating: "a", count: 600))", "oci:/\(String(repeating: "a", count: 6000))",
        ])
    func invalid(text: String) {
        do throws(ImageStoreError) {
            _ = try parse(text)
            Issue.record("was taken")
        } catch {
            #expect(error.code == "name-invalid")
            #expect(error.advice?.contains("oci:DIRECTORY") == true)
            #expect(error.description.utf8.count < 1300)
        }
    }

    @Test("that is a path gets the advice to write oci:")
    func path() {
        do throws(ImageStoreError) {
            _ = try parse("/srv/app")
            Issue.record("was taken")
        } catch { #expect(error.description.contains("a directory is written oci:DIRECTORY")) }
    }
}
