/// Asks one of those who lend keys, and again where it does not answer or fails by its own word.
struct Lender {
    let host: any CredentialsHost
    /// For messages.
    let place: String
    let staysNear: Bool

    /// The difference in seconds between two clocks that every service bears.
    private static let harmlessSkew: Int64 = 300

    /// What STS says with a status of 400 and what passes all the same.
    ///
    /// - SeeAlso: AWS Security Token Service API Reference, "Common Errors" and AssumeRoleWithWebIdentity, as known in
    ///   2026-11.
    private static let passingCodes: Set<String> = [
        "Throttling", "ThrottlingException", "RequestLimitExceeded", "IDPCommunicationError",
    ]

    /// The body of a 200.
    func answer(_ request: HTTPRequest) async throws(CredentialsError) -> [UInt8] {
        try await answer(isSigned: false) { _ in request }
    }

    /// The same for a request that is signed for each try, by the lender's clock where ours turns out to be wrong.
    func answer(signedAt request: (S3Time) -> HTTPRequest) async throws(CredentialsError) -> [UInt8] {
        try await answer(isSigned: true, request)
    }

    private func answer(
        isSigned: Bool,
        _ request: (S3Time) -> HTTPRequest
    ) async throws(CredentialsError) -> [UInt8] {
        var lead: Int64?
        for attempt in 1... {
            let failure: CredentialsError
            do throws(TransportError) {
                let time = S3Time(seconds: host.environment.now().seconds + (lead ?? 0))
                let response = try await host.send(request(time), staysNear: staysNear)
                if response.status == 200 { return response.body }
                if isSigned, lead == nil, let seen = skew(response) {
                    lead = seen
                    continue
                }
                failure = refusal(response)
            } catch {
                failure = CredentialsError(.unreachable, "\(place) did not answer: \(error.message)")
            }
            guard failure.code == .unreachable, attempt < CredentialsLimits.tries else { throw failure }
            do {
                try await host.environment.sleep(.milliseconds(200 << (attempt - 1)))
            } catch {
                throw failure
            }
        }
        preconditionFailure("the last try has thrown")
    }

    /// Seconds that the lender's clock is ahead of ours, where that may be why it refused a signature; else nil.
    private func skew(_ response: HTTPResponse) -> Int64? {
        guard [400, 403].contains(response.status), let date = response.headers["date"].flatMap(S3Time.init(http:))
        else { return nil }
        let lead = date.seconds - host.environment.now().seconds
        return abs(lead) > Self.harmlessSkew ? lead : nil
    }

    private func refusal(_ response: HTTPResponse) -> CredentialsError {
        let error = CredentialsAnswers.tokenError(response.body)
        let isPassing =
            response.status >= 500 || response.status == 429
            || error.map { Self.passingCodes.contains($0.code) } == true
        let words = error.map { " \($0.words)" } ?? ""
        return CredentialsError(isPassing ? .unreachable : .unusable, "\(place) answered \(response.status)\(words)")
    }
}
