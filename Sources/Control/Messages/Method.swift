/// One method of the control interface: its name on the wire and the shapes that go in and out.
///
/// There is one file for each, and `Interface/` says the same in Varlink's language; a test holds
/// the two together. What may be absent is optional. Values that a newer daemon may add to (states, outcomes, kinds)
/// are strings, so that an older `pushctl` shows them as they are.
public protocol Method: Sendable {
    associatedtype Input: Parameters
    associatedtype Output: Codable & Sendable & Equatable

    /// Interface and method, such as `org.pushd.Control.Push`.
    static var name: String { get }
    /// Whether neighbouring calls of this method on one connection may run at the same time. Replies keep their order.
    static var overlaps: Bool { get }
}

extension Method {
    public static var overlaps: Bool { false }
}

/// A method that answers with several replies and therefore must be called with `more`.
public protocol StreamMethod: Method {
    /// Tells the last reply of a call apart, which goes out without `continues`.
    static func ending(for input: Input) -> StreamEnding<Output>
}

/// How a stream of replies comes to its end.
public struct StreamEnding<Output: Sendable>: Sendable {
    /// Sees each reply once, in order, and says whether it is the last one.
    let isLast: @Sendable (Output) -> Bool
    /// Sent when the service's stream ends and no reply was the last one; nil where such an end means that pushd stops.
    let closing: Output?
}

/// What a call carries. A parameter that is not among `CodingKeys` is refused with its name.
public protocol Parameters: Codable, Sendable, Equatable {
    associatedtype CodingKeys: CodingKey & CaseIterable

    /// Refuses values that are invalid in every state of the daemon, before the service sees them.
    ///
    /// - Throws: ``ControlError`` of the kind `parameterInvalid`.
    func check() throws(ControlError)
}

extension Parameters {
    public func check() throws(ControlError) {}
}
