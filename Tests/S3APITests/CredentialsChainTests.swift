import TestSupport
import Testing

@testable import S3API

struct CredentialsChainTests {
    private let canary = "CANARY/secret+key"

    private func find(
        _ host: FakeCredentialsHost,
        profile: String? = nil
    ) async throws(CredentialsError)
        -> FoundCredentials
    {
        try await CredentialsChain(profile: profile, region: "eu-west-1", host: host).find()
    }

    private func failure(_ host: FakeCredentialsHost, profile: String? = nil) async -> CredentialsError? {
        do throws(CredentialsError) {
            _ = try await find(host, profile: profile)
            return nil
        } catch {
            return error
        }
    }

    private func json(_ id: String, token: String? = "TOKEN", expiration: String? = "2013-05-24T01:00:00Z") -> String {
        let token = token.map { ", \"Token\": \"\($0)\"" } ?? ""
        let end = expiration.map { ", \"Expiration\": \"\($0)\"" } ?? ""
        return "{\"Code\": \"Success\", \"AccessKeyId\": \"\(id)\", \"SecretAccessKey\": \"\(canary)\"\(token)\(end)}"
    }

    private func sts(_ action: String, _ id: String) -> String {
        """
        <\(action)Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><\(action)Result><Credentials>
        <AccessKeyId>\(id)</AccessKeyId><SecretAccessKey>\(canary)</SecretAccessKey><SessionToken>T</SessionToken>
        <Expiration>2013-05-24T01:00:00Z</Expiration></Credentials></\(action)Result></\(action)Response>
        """
    }

    private static let home = ["HOME": "/home/u"]

    private func profile(_ text: String, _ variables: [String: String] = home) -> FakeCredentialsHost {
        FakeCredentialsHost(variables, files: ["/home/u/.aws/credentials": text])
    }

    private let end = S3Time(seconds: 1_369_353_600 + 3_600)

    // MARK: The places in their order

    @Test func `the first place that has keys is the one`() async throws {
        let everything = [
            "HOME": "/home/u", "AWS_WEB_IDENTITY_TOKEN_FILE": "/token", "AWS_ROLE_ARN": "arn:r",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:9/keys",
        ]
        let keys = "[default]\naws_access_key_id = PROFILE\naws_secret_access_key = \(canary)\n"
        let transport = FakeTransport { request, _ in
            switch (request.origin, request.target) {
            case ("https://sts.eu-west-1.amazonaws.com", "/"):
                .status(200, [:], sts("AssumeRoleWithWebIdentity", "IDENTITY"))
            case ("http://127.0.0.1:9", "/keys"): .status(200, [:], json("CONTAINER"))
            case (_, "/latest/api/token"): .status(200, [:], "pass")
            case (_, "/latest/meta-data/iam/security-credentials/"): .status(200, [:], "web\n")
            case (_, "/latest/meta-data/iam/security-credentials/web"): .status(200, [:], json("INSTANCE"))
            default: .status(404)
            }
        }
        var variables = everything
        var files = ["/home/u/.aws/credentials": keys, "/token": "TOKEN\n"]
        func found() async throws -> String {
            let host = FakeCredentialsHost(variables, files: files, isInstance: true, transport: transport)
            return try await find(host).credentials.accessKeyID
        }
        #expect(try await found() == "PROFILE")
        files["/home/u/.aws/credentials"] = nil
        #expect(try await found() == "IDENTITY")
        variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = nil
        #expect(try await found() == "CONTAINER")
        variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = nil
        #expect(try await found() == "INSTANCE")
        variables["AWS_EC2_METADATA_DISABLED"] = "true"
        await #expect(throws: CredentialsError(.none, "no place has keys")) { try await found() }
    }

    @Test func `where a profile is named no other place is asked`() async {
        let host = profile("[default]\naws_access_key_id = A\naws_secret_access_key = B\n")
        let error = await failure(host, profile: "backup")
        #expect(error?.code == .unusable)
        #expect(error?.message.contains("profile \"backup\" is not there or has no keys (/home/u/.aws/config") == true)
        let named = profile("[default]\n", ["HOME": "/home/u", "AWS_PROFILE": "night"])
        #expect(await failure(named)?.message.hasPrefix("profile \"night\"") == true)
    }

    @Test func `a file that cannot be read is an error only where it is named`() async {
        let files = ["/home/u/.aws/config": FakeCredentialsHost.unreadable, "/c": FakeCredentialsHost.unreadable]
        let usual = FakeCredentialsHost(Self.home, files: files)
        #expect(await failure(usual)?.code == CredentialsError.Code.none)
        let named = FakeCredentialsHost(["AWS_CONFIG_FILE": "/c"], files: files)
        #expect(await failure(named)?.message == "/c cannot be read")
    }

    @Test func `a machine that is no instance is never asked for an instance's keys`() async {
        let host = FakeCredentialsHost(Self.home)
        #expect(await failure(host)?.code == CredentialsError.Code.none)
        #expect(host.transport.requests.isEmpty)
    }

    // MARK: Each place

    @Test func `a command's keys`() async throws {
        let text = "[default]\ncredential_process = keys now\n"
        let output = "{\"Version\": 1, \"AccessKeyId\": \"AK\", \"SecretAccessKey\": \"\(canary)\"}"
        let files = ["/home/u/.aws/credentials": text]
        let host = FakeCredentialsHost(Self.home, files: files, commands: ["keys now": output])
        let found = try await find(host)
        #expect(found.credentials == S3Credentials(accessKeyID: "AK", secretAccessKey: canary))
        #expect(found.origin == "credential_process (profile \"default\")")
        host.setCommand("keys now", "AK \(canary)")
        let error = await failure(host)
        #expect(error?.message == "credential_process (profile \"default\") answered what is not JSON")
        host.setCommand("keys now", "{\"Version\": 2}")
        #expect(await failure(host)?.message.contains("version 2") == true)
        host.setCommand("keys now", "{\"Version\": 1, \"AccessKeyId\": \"AK\"}")
        #expect(await failure(host)?.message.contains("without AccessKeyId or SecretAccessKey") == true)
    }

    @Test func `a role's keys for those of another profile, signed for`() async throws {
        let files = [
            "/home/u/.aws/config":
                "[profile work]\nrole_arn = arn:aws:iam::1:role/a b\nsource_profile = base\nexternal_id = x+y\n",
            "/home/u/.aws/credentials":
                "[base]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = \(canary)\naws_session_token = ST\n",
        ]
        let transport = FakeTransport([.status(200, [:], sts("AssumeRole", "ROLE"))])
        let host = FakeCredentialsHost(Self.home, files: files, transport: transport)
        let found = try await find(host, profile: "work")
        #expect(found.credentials.accessKeyID == "ROLE")
        #expect(found.credentials.sessionToken == "T")
        #expect(found.credentials.expiration == end)
        #expect(found.origin == "role arn:aws:iam::1:role/a b (profile \"work\")")
        #expect(host.near == [false])
        let request = try #require(transport.requests.first)
        #expect(request.origin == "https://sts.eu-west-1.amazonaws.com")
        guard case .bytes(let body) = request.body else {
            Issue.record("no body")
            return
        }
        let text = String(decoding: body, as: UTF8.self)
        #expect(text.contains("Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fa%20b"))
        #expect(text.contains("RoleSessionName=syncd") && text.hasSuffix("ExternalId=x%2By"))
        let authorization = try #require(request.header("authorization"))
        #expect(authorization.contains("Credential=AKIDEXAMPLE/20130524/eu-west-1/sts/aws4_request"))
        #expect(authorization.contains("SignedHeaders=content-type;host;x-amz-date;x-amz-security-token"))
        #expect(!text.contains("CANARY") && !authorization.contains("CANARY"))
    }

    @Test func `a token's role, unsigned`() async throws {
        let variables = [
            "AWS_WEB_IDENTITY_TOKEN_FILE": "/token", "AWS_ROLE_ARN": "arn:r", "AWS_ROLE_SESSION_NAME": "pod",
            "AWS_ENDPOINT_URL_STS": "http://127.0.0.1:7",
        ]
        let transport = FakeTransport([.status(200, [:], sts("AssumeRoleWithWebIdentity", "WEB"))])
        let host = FakeCredentialsHost(variables, files: ["/token": "header.body.signature\n"], transport: transport)
        let found = try await find(host)
        #expect(found.credentials.accessKeyID == "WEB")
        #expect(found.origin == "web identity for role arn:r")
        let request = try #require(transport.requests.first)
        #expect(request.origin == "http://127.0.0.1:7")
        #expect(request.header("authorization") == nil)
        if case .bytes(let body) = request.body {
            let text = String(decoding: body, as: UTF8.self)
            #expect(text.contains("RoleSessionName=pod&WebIdentityToken=header.body.signature"))
        }
        host.write("/token", nil)
        #expect(await failure(host)?.message == "web identity for role arn:r: there is no file /token")
    }

    @Test func `a container's keys, with the token that its file holds now`() async throws {
        let variables = [
            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/keys?id=1",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/token",
        ]
        let transport = FakeTransport { _, _ in .status(200, [:], json("BOX")) }
        let host = FakeCredentialsHost(variables, files: ["/token": "one\n"], transport: transport)
        let found = try await find(host)
        #expect(
            found.credentials
                == S3Credentials(
                    accessKeyID: "BOX",
                    secretAccessKey: canary,
                    sessionToken: "TOKEN",
                    expiration: end
                )
        )
        host.write("/token", "two")
        _ = try await find(host)
        #expect(
            transport.requests.map { $0.origin + $0.target }
                == .init(repeating: "http://169.254.170.2/v2/keys?id=1", count: 2)
        )
        #expect(transport.requests.map { $0.header("authorization") } == ["one", "two"])
        #expect(host.near == [true, true])
    }

    @Test(arguments: [
        ("http://127.0.0.1:8080/a", true), ("http://127.9.9.9/a", true), ("http://localhost/a", true),
        ("http://[::1]:80/a", true), ("http://169.254.170.23/v1", true), ("http://[fd00:ec2::23]/v1", true),
        ("https://keys.example.net/a", true), ("http://keys.example.net/a", false), ("http://10.0.0.1/a", false),
        ("http://127.0.0.1.example.net/a", false), ("http://169.254.169.254/a", false), ("ftp://127.0.0.1/a", false),
        ("http://127.0.0.1/a b", false), ("nonsense", false),
    ])
    func `keys without TLS come from nearby only`(address: String, isAsked: Bool) async {
        let transport = FakeTransport { _, _ in .status(200, [:], json("BOX")) }
        let host = FakeCredentialsHost(["AWS_CONTAINER_CREDENTIALS_FULL_URI": address], transport: transport)
        let error = await failure(host)
        #expect((error == nil) == isAsked, "\(error?.message ?? "")")
        #expect(transport.requests.count == (isAsked ? 1 : 0))
    }

    @Test func `an instance's keys, by version 2 of its service alone`() async throws {
        let transport = FakeTransport([
            .status(200, [:], "pass"), .status(200, [:], "web"), .status(200, [:], json("NODE")),
        ])
        let variables = ["AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:1338/"]
        let found = try await find(FakeCredentialsHost(variables, transport: transport))
        #expect(found.credentials.accessKeyID == "NODE")
        #expect(found.origin == "instance role web")
        let requests = transport.requests
        #expect(requests.map(\.method) == [.put, .get, .get])
        #expect(requests[0].header("x-aws-ec2-metadata-token-ttl-seconds") == "21600")
        #expect(requests[1].header("x-aws-ec2-metadata-token") == "pass")
        #expect(requests[2].target == "/latest/meta-data/iam/security-credentials/web")
        let refused = FakeTransport([.status(403)])
        let error = await failure(FakeCredentialsHost(variables, transport: refused))
        #expect(error?.code == .unusable)
        #expect(refused.requests.count == 1, "no request without the token")
    }

    // MARK: What goes wrong

    @Test func `what does not answer, or fails, is asked three times`() async {
        let variables = ["AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1/a"]
        let silent = FakeCredentialsHost(variables, transport: FakeTransport { _, _ in .failure(.unreachable) })
        #expect(await failure(silent)?.code == .unreachable)
        #expect(silent.transport.requests.count == 3)
        #expect(silent.world.sleeps.count == 2)
        let second = FakeTransport { _, number in number == 0 ? .status(503) : .status(200, [:], json("OK")) }
        #expect(await failure(FakeCredentialsHost(variables, transport: second)) == nil)
        let refused = FakeTransport { _, _ in .status(403, [:], "<html>") }
        #expect(await failure(FakeCredentialsHost(variables, transport: refused))?.code == .unusable)
        #expect(refused.requests.count == 1)
    }

    @Test func `a refusal of STS is told in its own words`() async {
        let body = """
            <ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>not\u{1B}[2J you</Message></Error>
            <RequestId>r</RequestId></ErrorResponse>
            """
        let host = FakeCredentialsHost(
            ["AWS_WEB_IDENTITY_TOKEN_FILE": "/t", "AWS_ROLE_ARN": "arn:r"],
            files: ["/t": "T"],
            transport: FakeTransport([.status(403, [:], body)])
        )
        let message = await failure(host)?.message
        #expect(
            message == "web identity for role arn:r answered 403 AccessDenied: not\\u{1b}[2J you"
                || message?.hasSuffix("403") == true
        )
        #expect(message?.contains("\u{1B}") == false)
    }

    @Test(arguments: ["Throttling", "ThrottlingException", "RequestLimitExceeded", "IDPCommunicationError"])
    func `what STS says to pass is asked again, whatever its status`(code: String) async throws {
        let body = "<ErrorResponse><Error><Code>\(code)</Code><Message>later</Message></Error></ErrorResponse>"
        let end = sts("AssumeRoleWithWebIdentity", "WEB")
        func host(_ rule: @escaping @Sendable (Int) -> FakeTransport.Answer) -> FakeCredentialsHost {
            FakeCredentialsHost(
                ["AWS_WEB_IDENTITY_TOKEN_FILE": "/t", "AWS_ROLE_ARN": "arn:r"],
                files: ["/t": "T"],
                transport: FakeTransport { _, number in rule(number) }
            )
        }
        let once = host { $0 == 0 ? .status(400, [:], body) : .status(200, [:], end) }
        #expect(try await find(once).credentials.accessKeyID == "WEB")
        let always = host { _ in .status(400, [:], body) }
        let error = await failure(always)
        #expect(error?.code == .unreachable)
        #expect(error?.message == "web identity for role arn:r answered 400 \(code): later")
        #expect(always.transport.requests.count == 3)
    }

    private func role(_ rule: @escaping @Sendable (HTTPRequest) -> FakeTransport.Answer) -> FakeCredentialsHost {
        let files = [
            "/home/u/.aws/config": "[default]\nrole_arn = arn:r\nsource_profile = base\n",
            "/home/u/.aws/credentials": "[base]\naws_access_key_id = AK\naws_secret_access_key = \(canary)\n",
        ]
        return FakeCredentialsHost(Self.home, files: files, transport: FakeTransport { request, _ in rule(request) })
    }

    @Test(arguments: [400, 403])
    func `where STS refuses by another clock it is asked once more by that`(status: Int) async throws {
        let answer = sts("AssumeRole", "ROLE")
        let refusal = FakeTransport.Answer.status(status, ["date": "Fri, 24 May 2013 01:00:00 GMT"])
        let host = role { $0.header("x-amz-date") == "20130524T010000Z" ? .status(200, [:], answer) : refusal }
        #expect(try await find(host).credentials.accessKeyID == "ROLE")
        #expect(host.transport.requests.map { $0.header("x-amz-date") } == ["20130524T000000Z", "20130524T010000Z"])
        let refused = role { _ in refusal }
        #expect(await failure(refused)?.code == .unusable)
        #expect(refused.transport.requests.count == 2)
        let near = role { _ in .status(status, ["date": "Fri, 24 May 2013 00:05:00 GMT"]) }
        #expect(await failure(near)?.code == .unusable)
        #expect(near.transport.requests.count == 1, "so small a difference is no reason")
    }

    @Test func `STS is not waited for as long as a service with objects`() async {
        let host = role { _ in .status(403) }
        _ = await failure(host)
        #expect(host.transport.requests.map(\.stallTimeout) == [10])
    }

    @Test func `nothing that fails tells a secret`() async {
        let texts = ["\(canary)", "{\"SecretAccessKey\": \"\(canary)\"}", json("AK", expiration: canary)]
        for text in texts {
            let host = FakeCredentialsHost(
                ["AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1/a"],
                transport: FakeTransport { _, _ in .status(200, [:], text) }
            )
            let error = await failure(host)
            #expect(error?.code == .unusable)
            #expect(error.map { "\($0)".contains("CANARY") } == false)
        }
    }
}
