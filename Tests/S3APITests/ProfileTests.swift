import Testing

@testable import S3API

struct ProfileTests {
    private func file(config: String = "", credentials: String = "") -> ProfileFile {
        ProfileFile(
            config: ProfileFile(Array(config.utf8), kind: .config),
            credentials: ProfileFile(Array(credentials.utf8), kind: .credentials)
        )
    }

    private func plan(_ name: String, config: String = "", credentials: String = "") throws -> ProfilePlan? {
        try ProfileResolver(file: file(config: config, credentials: credentials)).plan(for: name)
    }

    @Test func `sections and settings are read as AWS's tools read them`() {
        let config = """
            # a comment
            [default]
            region = eu-west-1   ; behind a value
            [profile  work ]
            Role_ARN=arn:aws:iam::1:role/a
            s3 =
                addressing_style = path
            [services x]
            region = no
            [stranger]
            region = no
            nonsense
            """
        let read = file(config: config, credentials: "[work]\naws_secret_access_key = a#b;c=\nregion = us-west-2\n")
        #expect(read.profiles["default"] == ["region": "eu-west-1"])
        let work = [
            "role_arn": "arn:aws:iam::1:role/a", "s3": "", "aws_secret_access_key": "a#b;c=", "region": "us-west-2",
        ]
        #expect(read.profiles["work"] == work)
        #expect(Set(read.profiles.keys) == ["default", "work"])
    }

    @Test func `settings come to one plan`() throws {
        let keys = "aws_access_key_id = AK\naws_secret_access_key = SK\n"
        let own = S3Credentials(accessKeyID: "AK", secretAccessKey: "SK")
        #expect(try plan("a", credentials: "[a]\n\(keys)") == .keys(own))
        #expect(try plan("b", credentials: "[a]\n\(keys)") == nil)
        #expect(try plan("a", config: "[profile a]\nregion = x") == nil)
        #expect(try plan("a", config: "[profile a]\ncredential_process = keys a") == .command("keys a"))
        let role = RoleRequest(arn: "R", sessionName: "syncd")
        let chained = "[profile a]\nrole_arn = R\nsource_profile = b\n"
        #expect(try plan("a", config: chained, credentials: "[b]\n\(keys)") == .role(role, with: .keys(own)))
        let itself = "[profile a]\nrole_arn = R\nsource_profile = a\n"
        #expect(try plan("a", config: itself, credentials: "[a]\n\(keys)") == .role(role, with: .keys(own)))
        let full = RoleRequest(arn: "R", sessionName: "night", externalID: "E", duration: 900)
        let settings = "role_session_name = night\nexternal_id = E\nduration_seconds = 900\n"
        let instance = "[profile a]\nrole_arn = R\ncredential_source = Ec2InstanceMetadata\n\(settings)"
        #expect(try plan("a", config: instance) == .role(full, with: .instance))
        let token = "[profile a]\nrole_arn = R\nweb_identity_token_file = /t\n"
        #expect(try plan("a", config: token) == .webIdentity(WebIdentity(role: role, tokenFile: "/t")))
    }

    @Test(arguments: [
        ("[profile a]\naws_access_key_id = AK", "aws_secret_access_key is missing"),
        ("[profile a]\naws_secret_access_key = SK", "aws_access_key_id is missing"),
        ("[profile a]\naws_access_key_id =\naws_secret_access_key = SK", "is empty"),
        ("[profile a]\nrole_arn = R", "role_arn needs source_profile"),
        ("[profile a]\nrole_arn = R\nsource_profile = b\ncredential_source = Environment", "several sources"),
        ("[profile a]\nrole_arn = R\ncredential_source = Cloud", "credential_source is \"Cloud\""),
        ("[profile a]\nrole_arn = R\nsource_profile = b\nmfa_serial = 1", "mfa_serial"),
        ("[profile a]\nrole_arn = R\nsource_profile = b", "source_profile \"b\" is not there"),
        ("[profile a]\nrole_arn = R\nsource_profile = b\n[profile b]\nrole_arn = R\nsource_profile = a", "circle"),
        ("[profile a]\nsso_session = x", "SSO"),
    ])
    func `what cannot work is named with its profile`(config: String, words: String) {
        let error = #expect(throws: CredentialsError.self) { try plan("a", config: config) }
        #expect(error?.code == .unusable)
        #expect(error?.message.hasPrefix("profile \"") == true)
        #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
    }
}
