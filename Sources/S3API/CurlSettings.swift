internal import CCurl

/// What is set on easy handles: once when one is made, and for each exchange. An unset option keeps its last value, so
/// every option that any exchange sets is set for all.
enum CurlSettings {
    /// In bytes: what one call of a callback moves at most.
    private static let receiveBuffer = 128 << 10
    private static let sendBuffer = 128 << 10
    /// From this size on a body waits for the service's consent, so that a refusal costs no transfer.
    private static let expectThreshold: Int64 = 4 << 20
    /// Milliseconds to wait for that consent; then the body is sent all the same.
    private static let expectTimeout = 1_000

    static func makeHandle(_ options: TransportOptions) -> UnsafeMutableRawPointer {
        guard let handle = curl_easy_init() else { preconditionFailure("out of memory for an easy handle") }
        set(handle, CURLOPT_NOSIGNAL, 1)
        set(handle, CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
        set(handle, CURLOPT_HTTP_CONTENT_DECODING, 0)
        set(handle, CURLOPT_FOLLOWLOCATION, 0)
        set(handle, CURLOPT_PATH_AS_IS, 1)
        set(handle, CURLOPT_TCP_KEEPALIVE, 1)
        set(handle, CURLOPT_CONNECTTIMEOUT_MS, options.connectTimeout * 1_000)
        set(handle, CURLOPT_EXPECT_100_TIMEOUT_MS, expectTimeout)
        set(handle, CURLOPT_BUFFERSIZE, receiveBuffer)
        set(handle, CURLOPT_UPLOAD_BUFFERSIZE, sendBuffer)
        set(handle, CURLOPT_PROTOCOLS_STR, "http,https")
        set(handle, CURLOPT_USERAGENT, options.userAgent)
        if let socket = options.unixSocket {
            set(handle, CURLOPT_UNIX_SOCKET_PATH, socket)
        }
        if !options.usesProxy || options.unixSocket != nil { set(handle, CURLOPT_PROXY, "") }
        if let file = options.caFile {
            set(handle, CURLOPT_CAINFO, file)
            check(ccurl_set_string(handle, CURLOPT_CAPATH, nil))
        }
        check(ccurl_set_data_function(handle, CURLOPT_HEADERFUNCTION, curlHeader))
        check(ccurl_set_data_function(handle, CURLOPT_WRITEFUNCTION, curlWrite))
        check(ccurl_set_data_function(handle, CURLOPT_READFUNCTION, curlRead))
        check(ccurl_set_seek_function(handle, curlSeek))
        return handle
    }

    /// Sets `handle` up for `exchange`, which must live until ``detach(_:)``.
    static func prepare(
        _ handle: UnsafeMutableRawPointer,
        for exchange: CurlExchange,
        _ options: TransportOptions
    ) {
        let request = exchange.request
        let context = Unmanaged.passUnretained(exchange).toOpaque()
        for option in [CURLOPT_PRIVATE, CURLOPT_HEADERDATA, CURLOPT_WRITEDATA, CURLOPT_READDATA, CURLOPT_SEEKDATA] {
            check(ccurl_set_pointer(handle, option, context))
        }
        check(ccurl_set_pointer(handle, CURLOPT_ERRORBUFFER, exchange.errorText))
        set(handle, CURLOPT_URL, request.origin + request.target)
        set(handle, CURLOPT_LOW_SPEED_TIME, request.stallTimeout ?? options.stallTimeout)
        guardAgainstStall(handle, true)
        set(handle, CURLOPT_FRESH_CONNECT, request.needsNewConnection ? 1 : 0)
        prepareMethod(handle, request)
        for header in request.headers {
            // "Name;" is how libcurl is told of a header without a value.
            let line = header.value.isEmpty ? "\(header.name);" : "\(header.name): \(header.value)"
            exchange.headerList = curl_slist_append(exchange.headerList, line)
        }
        if request.body.length < expectThreshold {
            exchange.headerList = curl_slist_append(exchange.headerList, "Expect:")
        }
        check(ccurl_set_list(handle, CURLOPT_HTTPHEADER, exchange.headerList))
    }

    private static func prepareMethod(_ handle: UnsafeMutableRawPointer, _ request: HTTPRequest) {
        switch request.method {
        case .head:
            set(handle, CURLOPT_UPLOAD, 0)
            set(handle, CURLOPT_NOBODY, 1)
            check(ccurl_set_string(handle, CURLOPT_CUSTOMREQUEST, nil))
        case .get, .delete:
            set(handle, CURLOPT_NOBODY, 0)
            set(handle, CURLOPT_UPLOAD, 0)
            set(handle, CURLOPT_HTTPGET, 1)
            let name = request.method == .get ? nil : request.method.rawValue
            check(ccurl_set_string(handle, CURLOPT_CUSTOMREQUEST, name))
        case .put, .post:
            set(handle, CURLOPT_NOBODY, 0)
            set(handle, CURLOPT_UPLOAD, 1)
            set(handle, CURLOPT_CUSTOMREQUEST, request.method.rawValue)
            check(ccurl_set_offset(handle, CURLOPT_INFILESIZE_LARGE, curl_off_t(request.body.length)))
        }
    }

    /// Whether an exchange without a byte for too long is to fail. libcurl leaves one alone whose answer it was told to
    /// hold back, but not one whose body it was.
    static func guardAgainstStall(_ handle: UnsafeMutableRawPointer, _ isGuarded: Bool) {
        set(handle, CURLOPT_LOW_SPEED_LIMIT, isGuarded ? 1 : 0)
    }

    /// Takes every pointer to an exchange off `handle`.
    static func detach(_ handle: UnsafeMutableRawPointer) {
        for option in [
            CURLOPT_PRIVATE, CURLOPT_HEADERDATA, CURLOPT_WRITEDATA, CURLOPT_READDATA, CURLOPT_SEEKDATA,
            CURLOPT_ERRORBUFFER,
        ] {
            check(ccurl_set_pointer(handle, option, nil))
        }
        check(ccurl_set_list(handle, CURLOPT_HTTPHEADER, nil))
    }

    private static func set(_ handle: UnsafeMutableRawPointer, _ option: CURLoption, _ value: Int) {
        check(ccurl_set_long(handle, option, value))
    }

    private static func set(_ handle: UnsafeMutableRawPointer, _ option: CURLoption, _ value: String) {
        check(ccurl_set_string(handle, option, value))
    }

    /// Options fail only where libcurl does not know them or has no memory.
    private static func check(_ status: CURLcode) {
        precondition(status == CURLE_OK, "libcurl refuses an option: \(String(cString: curl_easy_strerror(status)))")
    }
}
