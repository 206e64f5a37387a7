import S3API

extension Connection {
    /// The keys to sign with: those that the configuration knows, or whatever is found when they are first needed.
    func credentialsProvider(_ host: any CredentialsHost) -> any CredentialsProvider {
        guard let credentials else { return renewingCredentials(host) }
        return S3Credentials(
            accessKeyID: credentials.accessKeyID,
            secretAccessKey: credentials.secretAccessKey.reveal(),
            sessionToken: credentials.sessionToken?.reveal()
        )
    }

    /// Keys that are looked for where AWS's tools look.
    func renewingCredentials(_ host: any CredentialsHost) -> RenewingCredentials {
        let chain = credentialsChain(host)
        return RenewingCredentials(host: host) { () throws(CredentialsError) in try await chain.find() }
    }

    /// - Throws: what to do, where there is no place at all that keys could come from, or one that is set up wrongly.
    func requireCredentials(_ host: any CredentialsHost, file: String) throws(ConfigurationError) {
        guard credentials == nil else { return }
        let message: String
        do throws(CredentialsError) {
            if try credentialsChain(host).hasPlace() { return }
            message =
                "no credentials: set accessKeyId and secretAccessKey, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment, or hand over \(ServiceCredentials.accessKeyID) and \(ServiceCredentials.secretAccessKey) by systemd's LoadCredential=; docs/CONFIGURATION.md names all places"
        } catch {
            message = error.message
        }
        throw ConfigurationError(file: file, faults: [.init(keyPath, message)])
    }

    private func credentialsChain(_ host: any CredentialsHost) -> CredentialsChain {
        CredentialsChain(profile: profile, region: region, host: host)
    }
}
