internal import CCurl
import Glibc
import Synchronization

/// One thread with one multi handle. What other threads want of it stands in a queue, and they wake it.
final class CurlLoop: @unchecked Sendable {
    // @unchecked: all but `queue` belongs to the loop's own thread; of `watch` others call only `wake`, which is one
    // write to a descriptor.
    private let multi: UnsafeMutableRawPointer
    private let watch = SocketWatch()
    private let options: TransportOptions
    private let queue = Mutex<[Command]>([])
    private var running: [ObjectIdentifier: CurlExchange] = [:]
    /// Easy handles without an exchange. They keep the connection they used last, and cost less than new ones.
    private var idle: [UnsafeMutableRawPointer] = []
    /// Exchanges that are held back, each direction for itself.
    private var heldCount = 0

    private enum Command {
        case start(CurlExchange)
        case cancel(CurlExchange)
        case resume(CurlExchange, CurlExchange.Way, bytes: Int)
        /// Only to have the thread look what is due.
        case look
        case ping(@Sendable () -> Void)
        case stop
    }

    init(options: TransportOptions) {
        guard let multi = curl_multi_init() else { preconditionFailure("out of memory for a multi handle") }
        self.multi = multi
        self.options = options
        watch.attach(to: multi)
        _ = ccurl_multi_set_long(multi, CURLMOPT_PIPELINING, Int(CURLPIPE_NOTHING))
        _ = ccurl_multi_set_long(multi, CURLMOPT_MAXCONNECTS, options.keptConnections)
        var thread = pthread_t()
        let context = Unmanaged.passRetained(self).toOpaque()
        let status = pthread_create(&thread, nil, curlLoopThread, context)
        precondition(status == 0, "pthread_create failed with \(status): the process may start no more threads")
        pthread_detach(thread)
    }

    // MARK: From any thread

    func start(_ exchange: CurlExchange) { post(.start(exchange)) }

    func cancel(_ exchange: CurlExchange) {
        exchange.isCancelled.store(true, ordering: .releasing)
        post(.cancel(exchange))
    }

    /// Calls `answer` on the loop's thread.
    func ping(_ answer: @escaping @Sendable () -> Void) { post(.ping(answer)) }

    func stop() { post(.stop) }

    private func post(_ command: Command) {
        let mustWake = queue.withLock { queue in
            queue.append(command)
            return queue.count == 1
        }
        if mustWake { watch.wake() }
    }

    // MARK: On the loop's thread

    fileprivate func run() {
        while takeCommands() {
            watch.wait(multi, serveHeld())
            finishDone()
        }
        for handle in idle { curl_easy_cleanup(handle) }
        curl_multi_cleanup(multi)
    }

    /// False when the loop is to end.
    private func takeCommands() -> Bool {
        let commands = queue.withLock { queue in
            defer { queue.removeAll(keepingCapacity: true) }
            return queue
        }
        for command in commands {
            switch command {
            case .start(let exchange): begin(exchange)
            case .cancel(let exchange): abort(exchange)
            case .resume(let exchange, let way, let bytes): resume(exchange, way, bytes)
            case .look: break
            case .ping(let answer): answer()
            case .stop: return false
            }
        }
        return true
    }

    private func begin(_ exchange: CurlExchange) {
        guard !exchange.isCancelled.load(ordering: .acquiring) else { return end(exchange, .failure(.stopped)) }
        let handle = idle.popLast() ?? CurlSettings.makeHandle(options)
        exchange.handle = handle
        exchange.loop = self
        CurlSettings.prepare(handle, for: exchange, options)
        let status = curl_multi_add_handle(multi, handle)
        guard status == CURLM_OK else {
            release(exchange)
            let message = String(cString: curl_multi_strerror(status))
            return end(exchange, .failure(TransportError(code: .malformed, message: message)))
        }
        running[ObjectIdentifier(exchange)] = exchange
    }

    private func abort(_ exchange: CurlExchange) {
        guard running.removeValue(forKey: ObjectIdentifier(exchange)) != nil, let handle = exchange.handle else {
            return
        }
        curl_multi_remove_handle(multi, handle)
        release(exchange)
        end(exchange, .failure(.stopped))
    }

    private func finishDone() {
        var left: CInt = 0
        while let message = curl_multi_info_read(multi, &left) {
            guard message.pointee.msg == CURLMSG_DONE, let handle = message.pointee.easy_handle else { continue }
            let code = message.pointee.data.result
            guard let exchange = CurlExchange.of(handle) else { continue }
            finish(exchange, handle, code)
        }
    }

    private func finish(_ exchange: CurlExchange, _ handle: UnsafeMutableRawPointer, _ code: CURLcode) {
        guard running.removeValue(forKey: ObjectIdentifier(exchange)) != nil else { return }
        curl_multi_remove_handle(multi, handle)
        let result = exchange.result(code)
        release(exchange)
        end(exchange, result)
    }

    // MARK: Bandwidth

    private func limiter(_ way: CurlExchange.Way) -> BandwidthLimiter {
        switch way {
        case .up: options.bandwidth.upload
        case .down: options.bandwidth.download
        }
    }

    /// How many of `wanted` bytes an exchange may move now; nil where there is no limit. If it is 0, libcurl is to be told to
    /// pause: the exchange goes on when its turn has come.
    func allow(_ exchange: CurlExchange, _ way: CurlExchange.Way, _ wanted: Int) -> Int? {
        let limiter = limiter(way)
        guard limiter.isLimited else { return nil }
        let bytes = limiter.request(ObjectIdentifier(exchange), wanted) { [self] bytes in
            post(.resume(exchange, way, bytes: bytes))
        } wake: { [self] in
            post(.look)
        }
        if bytes == 0 { heldCount += 1 }
        return bytes
    }

    /// Takes off a limit what was moved beyond what had been allowed; below zero, gives back.
    func charge(_ way: CurlExchange.Way, _ bytes: Int) { limiter(way).charge(bytes) }

    /// Lets those go on whose turn it is. - Returns: for how long there is nothing more to do; nil for ever.
    private func serveHeld() -> Duration? {
        guard heldCount > 0 else { return nil }
        let waits = [options.bandwidth.upload.serve(), options.bandwidth.download.serve()]
        return waits.compactMap(\.self).min()
    }

    private func resume(_ exchange: CurlExchange, _ way: CurlExchange.Way, _ bytes: Int) {
        guard running[ObjectIdentifier(exchange)] != nil, let handle = exchange.handle else {
            return charge(way, -bytes)
        }
        heldCount -= 1
        exchange.resume(way, bytes)
        // This may call back at once, and hold it anew.
        let code = curl_easy_pause(handle, exchange.pauses)
        if code != CURLE_OK { finish(exchange, handle, code) }
    }

    /// Takes the handle back.
    private func release(_ exchange: CurlExchange) {
        guard let handle = exchange.handle else { return }
        exchange.handle = nil
        exchange.loop = nil
        for (way, bytes) in exchange.takeAllowances() {
            if let bytes {
                charge(way, -bytes)
            } else {
                limiter(way).forget(ObjectIdentifier(exchange))
                heldCount -= 1
            }
        }
        CurlSettings.detach(handle)
        curl_slist_free_all(exchange.headerList)
        exchange.headerList = nil
        if idle.count < options.keptConnections { idle.append(handle) } else { curl_easy_cleanup(handle) }
    }

    private func end(_ exchange: CurlExchange, _ result: Result<HTTPResponse, TransportError>) {
        exchange.continuation?.resume(returning: result)
        exchange.continuation = nil
    }
}

extension TransportError {
    static let stopped = TransportError(code: .cancelled, message: "stopped on request")
}

/// The body of a loop's thread. Signals are for other threads: SIGPIPE, which OpenSSL can raise, ends nobody here.
private let curlLoopThread: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { context in
    var all = sigset_t()
    sigfillset(&all)
    pthread_sigmask(SIG_BLOCK, &all, nil)
    guard let context else { return nil }
    Unmanaged<CurlLoop>.fromOpaque(context).takeRetainedValue().run()
    return nil
}
