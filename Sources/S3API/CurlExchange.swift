internal import CCurl
import Glibc
import Synchronization

/// One request and its answer, as far as it has come.
final class CurlExchange: @unchecked Sendable {
    // @unchecked: made by the sender, then touched by one loop's thread only, but for `isCancelled`, which is atomic.
    let request: HTTPRequest
    let isCancelled = Atomic(false)
    var continuation: CheckedContinuation<Result<HTTPResponse, TransportError>, Never>?
    var handle: UnsafeMutableRawPointer?
    var headerList: UnsafeMutablePointer<curl_slist>?
    /// The one that it runs in, as long as it does.
    var loop: CurlLoop?
    /// Where libcurl writes what went wrong.
    let errorText: UnsafeMutablePointer<CChar>

    /// Bytes of the request's body that were handed to libcurl.
    private var sent: Int64 = 0
    private var status = 0
    private var headers = HTTPFields()
    private var headerBytes = 0
    private var headersAreComplete = false
    private var body: [UInt8] = []
    private var received: Int64 = 0
    private var hasher: BodyHasher?
    /// Why a callback ended the exchange.
    private var failure: TransportError?
    /// True if the body of an error was cut at its bound: the status still counts.
    private var isCut = false
    private var up = Allowance()
    private var down = Allowance()

    /// Of a request's body, or of an answer's.
    enum Way: Sendable {
        case up
        case down
    }

    /// What it may move where there is a limit.
    private struct Allowance {
        var bytes = 0
        /// Whether libcurl was told to pause until more is allowed.
        var isHeld = false
    }

    init(_ request: HTTPRequest) {
        self.request = request
        errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
        errorText.pointee = 0
    }

    deinit { errorText.deallocate() }

    static func of(_ handle: UnsafeMutableRawPointer) -> CurlExchange? {
        var context: UnsafeMutablePointer<CChar>?
        guard ccurl_get_string(handle, CURLINFO_PRIVATE, &context) == CURLE_OK, let context else { return nil }
        return Unmanaged<CurlExchange>.fromOpaque(context).takeUnretainedValue()
    }

    // MARK: The end

    /// What the exchange came to when libcurl says that it is over.
    func result(_ code: CURLcode) -> Result<HTTPResponse, TransportError> {
        if let failure { return .failure(failure) }
        // A service may refuse, answer and close before it has read the body: then its answer is what counts.
        let isRefusal = headersAreComplete && status >= 400
        guard code == CURLE_OK || isCut || (isRefusal && Self.isBrokenOff(code)) else {
            return .failure(error(code))
        }
        guard status > 0 else { return .failure(TransportError(code: .malformed, message: "the answer is not HTTP")) }
        var response = HTTPResponse(status: status, headers: headers, body: body)
        response.isOnNewConnection = madeConnection
        if hashesBody, isSuccess, request.method != .head {
            let hasher = bodyHasher()
            response.written = WrittenBody(count: received, md5: hasher.finish().md5, checksum: hasher.checksum)
        }
        return .success(response)
    }

    private var hashesBody: Bool {
        switch request.sink {
        case .memory: false
        case .descriptor, .discard: true
        }
    }

    private var isSuccess: Bool { (200..<300).contains(status) }

    private static func isBrokenOff(_ code: CURLcode) -> Bool {
        [CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_PARTIAL_FILE, CURLE_GOT_NOTHING].contains(code)
    }

    private func error(_ code: CURLcode) -> TransportError {
        var text = String(cString: errorText)
        // A proxy's address may hold a password.
        if text.isEmpty || text.contains("@") { text = String(cString: curl_easy_strerror(code)) }
        return TransportError(code: kind(of: code), message: text)
    }

    private func kind(of code: CURLcode) -> TransportError.Code {
        switch code {
        // TLS that does not come about is often a connection that broke: only a refused certificate is final.
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY, CURLE_COULDNT_CONNECT, CURLE_SSL_CONNECT_ERROR:
            return .unreachable
        case CURLE_OPERATION_TIMEDOUT: return isConnected ? .interrupted : .unreachable
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CERTPROBLEM,
            CURLE_SSL_CIPHER, CURLE_SSL_ISSUER_ERROR, CURLE_USE_SSL_FAILED:
            return .tls
        case CURLE_PARTIAL_FILE: return .truncated
        case CURLE_WEIRD_SERVER_REPLY, CURLE_UNSUPPORTED_PROTOCOL, CURLE_URL_MALFORMAT, CURLE_BAD_CONTENT_ENCODING:
            return .malformed
        default: return .interrupted
        }
    }

    private var isConnected: Bool {
        guard let handle else { return false }
        var microseconds: curl_off_t = 0
        ccurl_get_offset(handle, CURLINFO_PRETRANSFER_TIME_T, &microseconds)
        return microseconds > 0
    }

    private var madeConnection: Bool {
        guard let handle else { return false }
        var count = 0
        ccurl_get_long(handle, CURLINFO_NUM_CONNECTS, &count)
        return count > 0
    }

    // MARK: Bandwidth

    /// Goes on, with so many more bytes.
    func resume(_ way: Way, _ bytes: Int) {
        switch way {
        case .up:
            up = Allowance(bytes: up.bytes + bytes)
            if let handle { CurlSettings.guardAgainstStall(handle, true) }
        case .down: down = Allowance(bytes: down.bytes + bytes)
        }
    }

    /// What is to stay paused, in libcurl's terms.
    var pauses: CInt { (up.isHeld ? CURLPAUSE_SEND : 0) | (down.isHeld ? CURLPAUSE_RECV : 0) }

    /// At the end: what was allowed and not moved, or nil for each way in which it is held.
    func takeAllowances() -> [(Way, Int?)] {
        let allowances = [(Way.up, up), (Way.down, down)].filter { $0.1.isHeld || $0.1.bytes > 0 }
        (up, down) = (Allowance(), Allowance())
        return allowances.map { ($0, $1.isHeld ? nil : $1.bytes) }
    }

    /// How many of `wanted` bytes may go up now; 0 if it has to pause.
    private func allowedUp(_ wanted: Int) -> Int {
        if up.bytes == 0 {
            guard let bytes = loop?.allow(self, .up, wanted) else { return wanted }
            up.bytes = bytes
        }
        guard up.bytes > 0 else {
            up.isHeld = true
            if let handle { CurlSettings.guardAgainstStall(handle, false) }
            return 0
        }
        let allowed = min(wanted, up.bytes)
        up.bytes -= allowed
        return allowed
    }

    /// Whether a piece that came may be taken now, the whole of it: what exceeds the allowance is a debt.
    private func isAllowedDown(_ count: Int) -> Bool {
        if down.bytes == 0 {
            guard let bytes = loop?.allow(self, .down, count) else { return true }
            down.bytes = bytes
        }
        guard down.bytes > 0 else {
            down.isHeld = true
            return false
        }
        loop?.charge(.down, max(0, count - down.bytes))
        down.bytes = max(0, down.bytes - count)
        return true
    }

    // MARK: Callbacks of libcurl

    /// One line of the head, its line break included.
    fileprivate func take(headerLine line: UnsafeRawBufferPointer) -> Int {
        headerBytes += line.count
        guard headerBytes <= HTTPLimits.headers else {
            failure = TransportError(code: .bodyTooLarge, message: "the headers exceed \(HTTPLimits.headers) bytes")
            return 0
        }
        if line.starts(with: "HTTP/".utf8) {
            // Of an interim answer, a proxy's, or one on a connection that was found dead, nothing stays.
            headers.removeAll()
            headersAreComplete = false
            let fields = line.split(separator: UInt8(ascii: " "), maxSplits: 2)
            status = fields.count > 1 ? Int(String(decoding: fields[1].prefix(3), as: UTF8.self)) ?? 0 : 0
        } else if line.allSatisfy({ $0 == 13 || $0 == 10 }) {
            headersAreComplete = true
        } else if let colon = line.firstIndex(of: UInt8(ascii: ":")) {
            headers.append(name: line[..<colon], value: Self.trimmed(line[(colon + 1)...]))
        }
        return line.count
    }

    private static func trimmed(_ text: Slice<UnsafeRawBufferPointer>) -> Slice<UnsafeRawBufferPointer> {
        func isSpace(_ byte: UInt8) -> Bool { byte == 32 || byte == 9 || byte == 13 || byte == 10 }
        guard let first = text.firstIndex(where: { !isSpace($0) }), let last = text.lastIndex(where: { !isSpace($0) })
        else { return text.prefix(0) }
        return text[first...last]
    }

    /// A piece of the answer's body. - Returns: its length, or another number to end the exchange.
    fileprivate func take(body piece: UnsafeRawBufferPointer) -> Int {
        guard piece.isEmpty || isAllowedDown(piece.count) else { return Int(CURL_WRITEFUNC_PAUSE) }
        guard isSuccess else { return keep(piece, limit: HTTPLimits.errorBody, isError: true) }
        switch request.sink {
        case .memory(let limit): return keep(piece, limit: limit, isError: false)
        case .descriptor(let descriptor, let offset, let limit): return write(piece, descriptor, offset, limit: limit)
        case .discard(let limit): return fits(piece, limit) ? hash(piece) : 0
        }
    }

    private func keep(_ piece: UnsafeRawBufferPointer, limit: Int, isError: Bool) -> Int {
        let room = limit - body.count
        guard piece.count <= room else {
            if isError {
                body.append(contentsOf: piece.prefix(room))
                isCut = true
            } else {
                failure = TransportError(code: .bodyTooLarge, message: "the answer exceeds \(limit) bytes")
            }
            return 0
        }
        body.append(contentsOf: piece)
        return piece.count
    }

    private func write(_ piece: UnsafeRawBufferPointer, _ descriptor: CInt, _ offset: Int64, limit: Int64) -> Int {
        guard fits(piece, limit) else { return 0 }
        var written = 0
        while written < piece.count {
            let rest = UnsafeRawBufferPointer(rebasing: piece[written...])
            let count = pwrite(descriptor, rest.baseAddress, rest.count, off_t(offset + received + Int64(written)))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                let code = count < 0 ? errno : ENOSPC
                failure = TransportError(
                    code: .localWrite(errno: code),
                    message: "writing failed: \(String(cString: strerror(code)))"
                )
                return 0
            }
            written += count
        }
        return hash(piece)
    }

    /// False, with its reason noted, if the body would exceed `limit` bytes with `piece`.
    private func fits(_ piece: UnsafeRawBufferPointer, _ limit: Int64) -> Bool {
        if Int64(piece.count) <= limit - received { return true }
        failure = TransportError(code: .bodyTooLarge, message: "the answer exceeds \(limit) bytes")
        return false
    }

    private func hash(_ piece: UnsafeRawBufferPointer) -> Int {
        bodyHasher().update(piece)
        received += Int64(piece.count)
        return piece.count
    }

    /// Made when the headers are known.
    private func bodyHasher() -> BodyHasher {
        if let hasher { return hasher }
        let made = BodyHasher(withSHA256: false, checksum: Checksum(stated: headers)?.algorithm)
        hasher = made
        return made
    }

    /// Fills `buffer` with what comes next of the request's body. - Returns: how much that is.
    fileprivate func fill(_ buffer: UnsafeMutableRawBufferPointer) -> Int {
        let rest = Int(min(Int64(buffer.count), request.body.length - sent))
        guard rest > 0 else { return 0 }
        let wanted = allowedUp(rest)
        guard wanted > 0 else { return Int(CURL_READFUNC_PAUSE) }
        switch request.body {
        case .none:
            return 0
        case .bytes(let bytes):
            bytes.withUnsafeBytes {
                buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[Int(sent)..<Int(sent) + wanted]))
            }
            sent += Int64(wanted)
            return wanted
        case .descriptor(let descriptor, let offset, _):
            var count = 0
            repeat {
                count = pread(descriptor, buffer.baseAddress, wanted, off_t(offset + sent))
            } while count < 0 && errno == EINTR
            guard count > 0 else {
                let code = count < 0 ? errno : 0
                let reason = count < 0 ? String(cString: strerror(code)) : "the file has become shorter"
                failure = TransportError(code: .localRead(errno: code), message: "reading failed: \(reason)")
                return Int(CURL_READFUNC_ABORT)
            }
            sent += Int64(count)
            return count
        }
    }

    /// Starts the request's body over: libcurl found a kept connection dead and sends anew.
    fileprivate func rewind(to offset: Int64) -> CInt {
        guard (0...request.body.length).contains(offset) else { return CInt(CURL_SEEKFUNC_FAIL) }
        sent = offset
        return CInt(CURL_SEEKFUNC_OK)
    }
}

private func exchange(_ context: UnsafeMutableRawPointer?) -> CurlExchange? {
    context.map { Unmanaged<CurlExchange>.fromOpaque($0).takeUnretainedValue() }
}

let curlHeader: ccurl_data_function = { buffer, size, count, context in
    exchange(context)?.take(headerLine: UnsafeRawBufferPointer(start: buffer, count: size * count)) ?? 0
}

let curlWrite: ccurl_data_function = { buffer, size, count, context in
    exchange(context)?.take(body: UnsafeRawBufferPointer(start: buffer, count: size * count)) ?? 0
}

let curlRead: ccurl_data_function = { buffer, size, count, context in
    exchange(context)?.fill(UnsafeMutableRawBufferPointer(start: buffer, count: size * count))
        ?? Int(CURL_READFUNC_ABORT)
}

let curlSeek: ccurl_seek_function = { context, offset, origin in
    guard origin == SEEK_SET else { return CInt(CURL_SEEKFUNC_CANTSEEK) }
    return exchange(context)?.rewind(to: Int64(offset)) ?? CInt(CURL_SEEKFUNC_FAIL)
}
