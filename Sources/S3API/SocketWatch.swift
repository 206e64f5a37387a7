internal import CCurl
internal import CLinux
import Glibc

/// The sockets of one multi handle, watched by epoll, and what wakes their thread from outside.
///
/// With this interface libcurl looks only at the sockets that are ready; with the simpler one it goes over all
/// exchanges whenever one of them moves, which costs more than the exchanges themselves.
final class SocketWatch {
    private let epoll: CInt
    private let wakeUp: CInt
    /// When libcurl wants to be called though no socket moved; nil for never.
    private var deadline: ContinuousClock.Instant?
    /// What epoll watches, but for the wake-up.
    private var sockets: Set<CInt> = []
    private var events = [epoll_event](repeating: epoll_event(), count: 64)

    init() {
        epoll = epoll_create1(CInt(EPOLL_CLOEXEC))
        wakeUp = eventfd(0, CInt(EFD_CLOEXEC) | CInt(EFD_NONBLOCK))
        precondition(epoll >= 0 && wakeUp >= 0, "no descriptor for the transport: raise the limit of open files")
        control(EPOLL_CTL_ADD, wakeUp, EPOLLIN.rawValue)
    }

    deinit {
        close(wakeUp)
        close(epoll)
    }

    /// Sets `multi` up to report its sockets and timers here. This must outlive it.
    func attach(to multi: UnsafeMutableRawPointer) {
        let context = Unmanaged.passUnretained(self).toOpaque()
        _ = ccurl_multi_set_pointer(multi, CURLMOPT_SOCKETDATA, context)
        _ = ccurl_multi_set_pointer(multi, CURLMOPT_TIMERDATA, context)
        _ = ccurl_multi_set_socket_function(multi, curlSocketMoved)
        _ = ccurl_multi_set_timer_function(multi, curlTimerSet)
    }

    /// Ends the thread's ``wait(_:)``, now or when it comes to it. From any thread.
    func wake() {
        var one: UInt64 = 1
        write(wakeUp, &one, MemoryLayout<UInt64>.size)
    }

    /// Waits for sockets, the deadline or a wake-up, but no longer than `longest` where it is given, and lets libcurl act
    /// on what came.
    func wait(_ multi: UnsafeMutableRawPointer, _ longest: Duration?) {
        let count = epoll_wait(epoll, &events, CInt(events.count), timeout(longest))
        var running: CInt = 0
        for event in events.prefix(Int(max(0, count))) {
            if event.data.fd == wakeUp {
                var value: UInt64 = 0
                read(wakeUp, &value, MemoryLayout<UInt64>.size)
            } else {
                curl_multi_socket_action(multi, event.data.fd, Self.ready(event.events), &running)
            }
        }
        if let deadline, deadline <= .now {
            self.deadline = nil
            curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running)
        }
    }

    private func timeout(_ longest: Duration?) -> CInt {
        let rest: Duration
        switch (deadline, longest) {
        case (nil, nil): return -1
        case (let deadline?, let longest?): rest = min(deadline - .now, longest)
        case (let deadline?, nil): rest = deadline - .now
        case (nil, let longest?): rest = longest
        }
        guard rest > .zero else { return 0 }
        // Rounded up: a wait that ends too early is another wait.
        return CInt(clamping: rest.components.seconds * 1_000 + rest.components.attoseconds / 1_000_000_000_000_000 + 1)
    }

    private static func ready(_ events: UInt32) -> CInt {
        var mask: CInt = 0
        if events & EPOLLIN.rawValue != 0 { mask |= CURL_CSELECT_IN }
        if events & EPOLLOUT.rawValue != 0 { mask |= CURL_CSELECT_OUT }
        if events & (EPOLLERR.rawValue | EPOLLHUP.rawValue) != 0 { mask |= CURL_CSELECT_ERR }
        return mask
    }

    // MARK: Callbacks of libcurl

    fileprivate func watch(_ socket: CInt, for what: CInt) {
        var wanted: UInt32 = 0
        if what & CURL_POLL_IN != 0 { wanted |= EPOLLIN.rawValue }
        if what & CURL_POLL_OUT != 0 { wanted |= EPOLLOUT.rawValue }
        control(sockets.insert(socket).inserted ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, socket, wanted)
    }

    fileprivate func forget(_ socket: CInt) {
        sockets.remove(socket)
        control(EPOLL_CTL_DEL, socket, 0)
    }

    fileprivate func setTimer(_ milliseconds: Int) {
        deadline = milliseconds < 0 ? nil : .now + .milliseconds(milliseconds)
    }

    private func control(_ operation: CInt, _ socket: CInt, _ wanted: UInt32) {
        var event = epoll_event(events: wanted, data: epoll_data_t(fd: socket))
        // A socket that is gone already needs no watching: libcurl finds out by itself.
        _ = epoll_ctl(epoll, operation, socket, &event)
    }
}

private let curlSocketMoved: ccurl_socket_function = { _, socket, what, context, _ in
    guard let context else { return 0 }
    let watch = Unmanaged<SocketWatch>.fromOpaque(context).takeUnretainedValue()
    if what == CURL_POLL_REMOVE { watch.forget(socket) } else { watch.watch(socket, for: what) }
    return 0
}

private let curlTimerSet: ccurl_timer_function = { _, milliseconds, context in
    guard let context else { return 0 }
    Unmanaged<SocketWatch>.fromOpaque(context).takeUnretainedValue().setTimer(milliseconds)
    return 0
}
