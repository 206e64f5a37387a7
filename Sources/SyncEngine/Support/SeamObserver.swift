/// A call across one of the engine's seams.
public struct SeamCall: Hashable, Sendable {
    /// A method of ``FileSystem``, ``OpenFile`` or ``ObjectStore``, or `commit` and `migrate` of the index.
    public var name: String
    /// What it concerns: a path, or a name in the bucket; empty where it is nothing in particular.
    public var subject: [UInt8]
    /// Whether it changes files, the bucket or the index. Before and after such calls a crash leaves different things.
    public var isEffect: Bool

    public init(_ name: String, _ subject: [UInt8], isEffect: Bool) {
        self.name = name
        self.subject = subject
        self.isEffect = isEffect
    }
}

/// Why a call is to fail instead of being made.
public struct SeamFailure: Error, Hashable, Sendable {
    /// As a system call leaves it.
    public var errno: CInt

    public init(errno: CInt) {
        self.errno = errno
    }
}

/// Is told of each call just before and just after it. For tests, which let calls fail or end the process there.
public protocol SeamObserver: Sendable {
    /// - Throws: to let the call fail without being made.
    func before(_ call: SeamCall) throws(SeamFailure)
    /// The call was made and succeeded. - Throws: to let it seem to fail, as when an answer is lost.
    func after(_ call: SeamCall) throws(SeamFailure)
}

extension SeamObserver {
    /// Runs `body` between the two; `failed` makes the error of a call that is to fail.
    func around<Value, Failure: Error>(
        _ call: SeamCall,
        failed: (SeamFailure) -> Failure,
        _ body: () throws(Failure) -> Value
    ) throws(Failure) -> Value {
        do throws(SeamFailure) {
            try before(call)
        } catch {
            throw failed(error)
        }
        let value = try body()
        do throws(SeamFailure) {
            try after(call)
        } catch {
            throw failed(error)
        }
        return value
    }

    /// The same where any error may be thrown: a ``SeamFailure`` where the call is to fail.
    func around<Value>(_ call: SeamCall, _ body: () throws -> Value) throws -> Value {
        try around(call, failed: { $0 as any Error }, body)
    }

    /// The same for a request.
    func around<Value, Failure: Error>(
        _ call: SeamCall,
        failed: (SeamFailure) -> Failure,
        _ body: () async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        do throws(SeamFailure) {
            try before(call)
        } catch {
            throw failed(error)
        }
        let value = try await body()
        do throws(SeamFailure) {
            try after(call)
        } catch {
            throw failed(error)
        }
        return value
    }
}
