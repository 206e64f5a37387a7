/// Requests to AWS's Security Token Service, which exchanges keys or tokens for the keys of a role.
///
/// - SeeAlso: AWS Security Token Service API Reference, AssumeRole and AssumeRoleWithWebIdentity, as known in 2026-11.
struct TokenService {
    /// Where it is: `https://sts.eu-west-1.amazonaws.com`, without a path.
    let endpoint: S3Endpoint
    let region: String

    /// `override` is an endpoint of one's own; else it is the region's.
    init(override: String?, region: String) throws(CredentialsError) {
        let isRegion = region != S3Connection.unknownRegion && region.contains("-")
        self.region = isRegion ? region : S3Connection.firstRegion
        let suffix = AWSPartition.of(region: self.region).hostSuffix
        do throws(S3Endpoint.Invalid) {
            endpoint = try S3Endpoint(override ?? "https://sts.\(self.region).\(suffix)")
        } catch {
            throw CredentialsError(.unusable, "AWS_ENDPOINT_URL_STS: \(error.message)")
        }
    }

    /// Asks for a role's keys with others.
    func assume(_ role: RoleRequest, with keys: S3Credentials, at time: S3Time) -> HTTPRequest {
        request(action: "AssumeRole", role, extra: role.externalID.map { [("ExternalId", $0)] } ?? [], keys, time)
    }

    /// Asks for a role's keys with a token; the request is not signed.
    func assume(_ role: RoleRequest, token: String) -> HTTPRequest {
        request(action: "AssumeRoleWithWebIdentity", role, extra: [("WebIdentityToken", token)], nil, nil)
    }

    private func request(
        action: String,
        _ role: RoleRequest,
        extra: [(String, String)],
        _ keys: S3Credentials?,
        _ time: S3Time?
    ) -> HTTPRequest {
        var fields = [
            ("Action", action), ("Version", "2011-06-15"), ("RoleArn", role.arn), ("RoleSessionName", role.sessionName),
        ]
        if let duration = role.duration { fields.append(("DurationSeconds", String(duration))) }
        let text = (fields + extra).map { name, value in
            "\(name)=\(PercentEncoding.encode(value.utf8, keepingSlash: false))"
        }
        let body = Array(text.joined(separator: "&").utf8)
        var headers = [
            (name: "host", value: endpoint.authority),
            (name: "content-type", value: "application/x-www-form-urlencoded; charset=utf-8"),
        ]
        if let keys, let time { sign(&headers, body: body, keys, time) }
        return HTTPRequest(
            method: .post,
            origin: endpoint.text,
            target: "/",
            headers: headers,
            body: .bytes(body),
            sink: .memory(limit: CredentialsLimits.answer),
            stallTimeout: CredentialsLimits.stallSeconds
        )
    }

    private func sign(
        _ headers: inout [(name: String, value: String)],
        body: [UInt8],
        _ keys: S3Credentials,
        _ time: S3Time
    ) {
        let text = time.signingText
        headers.append(("x-amz-date", text))
        if let token = keys.sessionToken { headers.append(("x-amz-security-token", token)) }
        let day = String(text.prefix(8))
        let signer = SigV4(
            accessKeyID: keys.accessKeyID,
            region: region,
            service: "sts",
            signingKey: SigV4.signingKey(
                secret: keys.secretAccessKey,
                day: day,
                region: region,
                service: "sts"
            )
        )
        let request = SigV4.Request(
            method: "POST",
            path: "/",
            query: [],
            headers: headers,
            payloadHash: Digests.hexadecimal(Digests.sha256(body))
        )
        headers.append(("Authorization", signer.authorization(request, time: text)))
    }
}
