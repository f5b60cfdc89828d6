import Dispatch
import Glibc
public import ImageStore

extension UserFiles {
    /// Opens files for every user with the rights of the test, over the protocol of the real server.
    public static var ofTheTest: UserFiles { UserFiles { () throws(Failure) in connectionOfTheTest() } }

    /// A connection to such a server.
    public static func connectionOfTheTest() -> Int32 {
        var ends: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue), 0, &ends) == 0 else {
            preconditionFailure("no pair of sockets: \(String(cString: strerror(errno)))")
        }
        let server = ends[1]
        DispatchQueue(label: "test.files").async {
            FileServer.answer(server, becoming: { _ in 0 })
            close(server)
        }
        return ends[0]
    }
}
