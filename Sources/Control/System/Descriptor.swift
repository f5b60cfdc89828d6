internal import Glibc

/// One open file descriptor, closed at the end of its owner's scope.
struct Descriptor: ~Copyable {
    let number: Int32

    init(owning number: Int32) { self.number = number }

    deinit { close(number) }
}
