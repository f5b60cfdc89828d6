import TestSupport
import Testing

@testable import ImageStore

@Suite("The name of a local image")
struct ImageNameTests {
    /// - Parameter directories: those that are no layouts.
    func parse(
        _ text: String, layouts: Set<String> = [], directories: Set<String> = []
    ) throws(ImageStoreError) -> ImageName {
        try ImageName(parsing: text) {
            layouts.contains($0) ? .layout : directories.contains($0) ? .directory : .nothing
        }
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

    @Test(
        "with a layout whose path has colons means what is there: the longest layout, else the longest directory",
        arguments: [
            ("oci:/srv/a:b", ["/srv/a:b"], [], "/srv/a:b", nil),
            ("oci:/srv/a:b", ["/srv/a"], [], "/srv/a", "b"),
            ("oci:/srv/a:b", ["/srv/a", "/srv/a:b"], [], "/srv/a:b", nil),
            ("oci:/srv/a/:b", ["/srv/a/", "/srv/a:b"], [], "/srv/a", "b"),
            ("oci:/srv/a:b", ["/srv/a"], ["/srv/a:b"], "/srv/a", "b"),
            ("oci:/srv/13:13:06:1", ["/srv/13:13:06"], [], "/srv/13:13:06", "1"),
            ("oci:/srv/13:13:06:@sha256:00", ["/srv/13:13:06"], [], "/srv/13:13:06", "@sha256:00"),
            ("oci:/srv/13:13:06:", ["/srv/13:13:06"], [], "/srv/13:13:06", nil),
            (
                "oci:/srv/13:13:06/x:r.example:5000/a:1", ["/srv/13:13:06/x"], [], "/srv/13:13:06/x",
                "r.example:5000/a:1"
            ),
            ("oci:/srv/my app: 1:2:x", [], ["/srv/my app: 1:2"], "/srv/my app: 1:2", "x"),
            ("oci:/srv/a:b:c", [], [], "/srv/a", "b:c"),
        ] as [(String, Set<String>, Set<String>, String, String?)])
    func colon(text: String, layouts: Set<String>, directories: Set<String>, directory: String, ref: String?) throws {
        #expect(
            try parse(text, layouts: layouts, directories: directories) == .layout(directory: directory, ref: ref))
    }

    @Test("is looked for on the disk")
    func onDisk() async throws {
        try await TemporaryDirectory.with { temporary in
            let layout = temporary.file("2026-11-28T13:13:06")
            _ = try LayoutBuilder(directory: layout)
            #expect(try await ImageName.read("oci:\(layout):1") == .layout(directory: layout, ref: "1"))
            let plain = try temporary.makeDirectory("a:b")
            #expect(try await ImageName.read("oci:\(plain):1") == .layout(directory: plain, ref: "1"))
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
