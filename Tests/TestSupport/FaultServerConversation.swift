import Glibc

/// One connection: a request, its answer, and so on.
struct FaultConversation {
    let service: FaultService
    let connection: LoopbackConnection

    /// Bytes of a body that are taken.
    private static let maximumBody = 1 << 30

    func run() {
        while converse() {}
    }

    /// One request and its answer. - Returns: whether the connection goes on.
    private func converse() -> Bool {
        guard let head = connection.readHead() else { return false }
        guard var request = FaultRequest(head: head) else {
            connection.answer(400)
            return false
        }
        let number = service.note(request, connection: connection.number)
        let waits = request.header("expect")?.lowercased() == "100-continue"
        if let refusal = service.refusal(ofHead: request) {
            guard waits || readBody(of: &request, number) else { return false }
            return send(refusal, to: request, number) && !waits
        }
        let fault = service.fault(for: request)
        if case .refuseEarly(let answer) = fault {
            var answer = answer
            answer.headers.append(("Connection", "close"))
            send(answer, to: request, number)
            // Closing with a body unread would reset the connection, and the answer might be lost.
            connection.waitForCloseUnread()
            return false
        }
        if waits { connection.send("HTTP/1.1 100 Continue\r\n\r\n") }
        guard readBody(of: &request, number) else { return false }
        if let refusal = service.refusal(ofBody: request) { return send(refusal, to: request, number) }
        return respond(to: request, number, fault)
    }

    /// False if it did not come whole.
    private func readBody(of request: inout FaultRequest, _ number: Int) -> Bool {
        let length = request.header("content-length").flatMap { Int($0) } ?? 0
        guard (0...Self.maximumBody).contains(length) else { return false }
        request.body = connection.read(length)
        let count = request.body.count
        service.update(number) { $0.bodyCount = count }
        return count == length
    }

    private func respond(to request: FaultRequest, _ number: Int, _ fault: Fault?) -> Bool {
        func perform() -> FaultAnswer { service.perform(request, number: number) }
        switch fault {
        case nil: return send(perform(), to: request, number)
        case .answer(let answer), .refuseEarly(let answer): return send(answer, to: request, number)
        case .reply(let answer): return send(answer(service), to: request, number)
        case .reset: connection.reset()
        case .stall: connection.waitForClose()
        case .resetAfterEffect:
            _ = perform()
            connection.reset()
        case .stallAfterEffect:
            _ = perform()
            connection.waitForClose()
        case .truncate(let count): send(perform(), to: request, number, upTo: count)
        case .stallWithin(let count):
            send(perform(), to: request, number, upTo: count)
            connection.waitForClose()
        case .flood: flood(perform(), to: request, number)
        case .dribble(let count, let pause): return dribble(perform(), to: request, number, count, pause)
        case .keepAlive(let spaces, let pause, let place):
            keepAlive(spaces, pause, place, request, number, perform)
            return true
        case .rewrite(let change):
            var answer = perform()
            change(&answer)
            return send(answer, to: request, number)
        case .before(let action):
            action(service)
            return send(perform(), to: request, number)
        case .after(let action):
            let answer = perform()
            action(service)
            return send(answer, to: request, number)
        }
        return false
    }

    // MARK: Sending

    /// Of the body at most `limit` bytes, whatever length is told. - Returns: whether it was all taken.
    @discardableResult
    private func send(_ answer: FaultAnswer, to request: FaultRequest, _ number: Int, upTo limit: Int = .max) -> Bool {
        service.update(number) { $0.status = answer.status }
        let isBodiless = request.method == "HEAD" || answer.status == 304
        guard connection.send(head(of: answer, length: answer.body.count, number)) else { return false }
        if isBodiless { return true }
        return connection.send(answer.body.count <= limit ? answer.body : Array(answer.body.prefix(limit)))
    }

    private func head(of answer: FaultAnswer, length: Int?, _ number: Int) -> [UInt8] {
        answer.head(length: length, date: FaultTime.http(service.now), requestID: "R\(number)")
    }

    private func flood(_ answer: FaultAnswer, to request: FaultRequest, _ number: Int) {
        service.update(number) { $0.status = answer.status }
        connection.send(head(of: answer, length: nil, number))
        sendChunk(Array(answer.body.prefix { $0 != UInt8(ascii: ">") }) + [UInt8(ascii: ">")])
        let chunk = "10000\r\n\(String(repeating: " ", count: 0x10000))\r\n"
        while connection.send(chunk) {}
    }

    private func dribble(
        _ answer: FaultAnswer,
        to request: FaultRequest,
        _ number: Int,
        _ count: Int,
        _ pause: Int
    ) -> Bool {
        guard send(answer, to: request, number, upTo: 0) else { return false }
        var rest = answer.body[...]
        while !rest.isEmpty {
            rhythm(pause)
            guard connection.send(Array(rest.prefix(max(1, count)))) else { return false }
            rest = rest.dropFirst(max(1, count))
        }
        return true
    }

    private func keepAlive(
        _ spaces: Int,
        _ pause: Int,
        _ place: Fault.KeepAlivePlace,
        _ request: FaultRequest,
        _ number: Int,
        _ perform: () -> FaultAnswer
    ) {
        service.update(number) { $0.status = 200 }
        let answer = FaultAnswer(200, headers: [("Content-Type", "application/xml")])
        connection.send(head(of: answer, length: nil, number))
        let declaration = FaultXMLWriter.declaration
        if place == .afterDeclaration { sendChunk(declaration) }
        for _ in 0..<spaces {
            rhythm(pause)
            sendChunk([UInt8(ascii: " ")])
        }
        var body = perform().body
        if place != .beforeDeclaration, body.starts(with: declaration) { body.removeFirst(declaration.count) }
        sendChunk(body)
        connection.send("0\r\n\r\n")
    }

    private func sendChunk(_ bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        connection.send(Array("\(String(bytes.count, radix: 16))\r\n".utf8) + bytes + Array("\r\n".utf8))
    }

    /// The pause is the fault itself; nothing relies on how long it is.
    private func rhythm(_ milliseconds: Int) { _ = poll(nil, 0, CInt(milliseconds)) }
}
