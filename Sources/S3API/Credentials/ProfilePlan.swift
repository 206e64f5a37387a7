/// Where the keys of a profile come from, as its settings say it; nothing of it has been asked yet.
indirect enum ProfilePlan: Hashable {
    case keys(S3Credentials)
    /// `credential_process`
    case command(String)
    case webIdentity(WebIdentity)
    /// Keys of a role, for which other keys are exchanged.
    case role(RoleRequest, with: ProfilePlan)
    /// `credential_source`
    case environment
    case container
    case instance
}

/// A role that is to be taken on.
struct RoleRequest: Hashable {
    var arn: String
    /// How its use is named in AWS's logs.
    var sessionName: String
    var externalID: String?
    /// Seconds; nil for the service's own choice, an hour.
    var duration: Int?

    static let standardSessionName = "syncd"
}

/// A role that a token in a file is exchanged for.
struct WebIdentity: Hashable {
    var role: RoleRequest
    var tokenFile: String
}

/// Finds out what a profile's settings come to: pure.
struct ProfileResolver {
    let file: ProfileFile

    /// Nil where there is no such profile, or it says nothing of keys.
    func plan(for name: String) throws(CredentialsError) -> ProfilePlan? {
        try plan(for: name, seen: [])
    }

    /// `seen` are the profiles that led here.
    private func plan(for name: String, seen: [String]) throws(CredentialsError) -> ProfilePlan? {
        guard let settings = file.profiles[name] else { return nil }
        if let arn = settings["role_arn"], seen.last != name {
            return try rolePlan(name, arn: arn, settings, seen: seen)
        }
        if let keys = try keys(of: name, settings) { return .keys(keys) }
        if let command = settings["credential_process"], !command.isEmpty { return .command(command) }
        if settings.keys.contains(where: { $0.hasPrefix("sso_") }) {
            let way = "credential_process = aws configure export-credentials --profile NAME --format process"
            throw unusable(name, "it signs in by SSO, which needs a browser; another profile may say \"\(way)\"")
        }
        return nil
    }

    private func rolePlan(
        _ name: String,
        arn: String,
        _ settings: [String: String],
        seen: [String]
    ) throws(CredentialsError) -> ProfilePlan {
        if settings["mfa_serial"] != nil {
            throw unusable(name, "its role wants a code of a device (mfa_serial), which nobody can type here")
        }
        let role = RoleRequest(
            arn: arn,
            sessionName: settings["role_session_name"] ?? RoleRequest.standardSessionName,
            externalID: settings["external_id"],
            duration: settings["duration_seconds"].flatMap { Int($0) }
        )
        switch (settings["web_identity_token_file"], settings["source_profile"], settings["credential_source"]) {
        case (let file?, nil, nil): return .webIdentity(WebIdentity(role: role, tokenFile: file))
        case (nil, let source?, nil): return .role(role, with: try sourcePlan(source, of: name, seen: seen))
        case (nil, nil, "Environment"): return .role(role, with: .environment)
        case (nil, nil, "EcsContainer"): return .role(role, with: .container)
        case (nil, nil, "Ec2InstanceMetadata"): return .role(role, with: .instance)
        case (nil, nil, let other?):
            throw unusable(
                name,
                "credential_source is \"\(other)\": there is Environment, EcsContainer and Ec2InstanceMetadata"
            )
        case (nil, nil, nil):
            throw unusable(name, "role_arn needs source_profile, credential_source or web_identity_token_file")
        default:
            throw unusable(name, "it names several sources for the keys of its role: one can be meant")
        }
    }

    private func sourcePlan(_ source: String, of name: String, seen: [String]) throws(CredentialsError) -> ProfilePlan {
        // A profile may name itself: then its own keys are meant.
        if seen.contains(source) || seen.count >= CredentialsLimits.profiles {
            throw unusable(name, "source_profile leads in a circle, or through too many profiles")
        }
        guard let plan = try plan(for: source, seen: seen + [name]) else {
            throw unusable(name, "source_profile \"\(source)\" is not there, or has no keys")
        }
        return plan
    }

    private func keys(of name: String, _ settings: [String: String]) throws(CredentialsError) -> S3Credentials? {
        switch (settings["aws_access_key_id"], settings["aws_secret_access_key"]) {
        case (let id?, let secret?) where !id.isEmpty && !secret.isEmpty:
            return S3Credentials(
                accessKeyID: id,
                secretAccessKey: secret,
                sessionToken: settings["aws_session_token"].flatMap { $0.isEmpty ? nil : $0 }
            )
        case (nil, nil): return nil
        case (_, nil): throw unusable(name, "aws_secret_access_key is missing")
        case (nil, _): throw unusable(name, "aws_access_key_id is missing")
        case (_, _): throw unusable(name, "aws_access_key_id or aws_secret_access_key is empty")
        }
    }

    private func unusable(_ name: String, _ message: String) -> CredentialsError {
        CredentialsError(.unusable, "profile \"\(name)\": \(message)")
    }
}
