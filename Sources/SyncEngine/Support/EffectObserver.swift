/// Something that the engine does to the world: to files, to the bucket, to the index.
public struct Effect: Hashable, Sendable {
    /// What is done: a method of ``FileSystem``, ``OpenFile`` or ``ObjectStore``, or `commit` to the index.
    public var name: String
    /// What it is done to: a path, or a name in the bucket; empty where it concerns nothing in particular.
    public var subject: [UInt8]

    public init(_ name: String, _ subject: [UInt8] = []) {
        self.name = name
        self.subject = subject
    }
}

/// Is told of each effect just before and just after it: the places where a crash leaves different things behind. For
/// tests, which end the process there.
public protocol EffectObserver: Sendable {
    func before(_ effect: Effect)
    func after(_ effect: Effect)
}

extension EffectObserver {
    /// Runs `body` between the two.
    func around<Value, Failure: Error>(
        _ name: String,
        _ subject: [UInt8] = [],
        _ body: () throws(Failure) -> Value
    ) throws(Failure) -> Value {
        let effect = Effect(name, subject)
        before(effect)
        let value = try body()
        after(effect)
        return value
    }

    /// The same for a request.
    func around<Value, Failure: Error>(
        _ name: String,
        _ subject: [UInt8],
        _ body: () async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        let effect = Effect(name, subject)
        before(effect)
        let value = try await body()
        after(effect)
        return value
    }
}
