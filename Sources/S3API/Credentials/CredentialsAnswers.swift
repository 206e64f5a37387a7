import Text

/// Keys as the services that lend them write them.
enum CredentialsAnswers {
    /// What `credential_process`, a container's endpoint and an instance's answer: an object with the keys.
    /// `origin` is named in errors. Nothing of the answer itself is, since it may hold a secret.
    static func json(_ body: [UInt8], of origin: String) throws(CredentialsError) -> S3Credentials {
        let value: JSONValue
        do throws(JSONSyntaxError) {
            value = try JSONParser.parse(body)
        } catch {
            throw CredentialsError(.unusable, "\(origin) answered what is not JSON")
        }
        if let version = value["Version"]?.integer, version != 1 {
            throw CredentialsError(.unusable, "\(origin) answered in version \(version), known is version 1")
        }
        guard let id = value["AccessKeyId"]?.text, let secret = value["SecretAccessKey"]?.text, !id.isEmpty,
            !secret.isEmpty
        else { throw CredentialsError(.unusable, "\(origin) answered without AccessKeyId or SecretAccessKey") }
        let token = value["SessionToken"]?.text ?? value["Token"]?.text
        return S3Credentials(
            accessKeyID: id,
            secretAccessKey: secret,
            sessionToken: token.flatMap { $0.isEmpty ? nil : $0 },
            expiration: try value["Expiration"]?.text.map { text throws(CredentialsError) in
                try time(text, of: origin)
            }
        )
    }

    /// What the Security Token Service answers.
    static func token(_ body: [UInt8], of origin: String) throws(CredentialsError) -> S3Credentials {
        var fields: [XMLTag: String] = [:]
        do throws(XMLReader.Refusal) {
            let roots: Set<XMLTag> = [.assumeRoleResponse, .assumeRoleWithWebIdentityResponse]
            try XMLReader.read(body, roots: roots) { event in
                if case .leaf(let tag, .credentials, let text) = event {
                    fields[tag] = String(decoding: text, as: UTF8.self)
                }
            }
        } catch {
            throw CredentialsError(.unusable, "\(origin) answered what is no answer of STS")
        }
        guard let id = fields[.accessKeyID], let secret = fields[.secretAccessKey] else {
            throw CredentialsError(.unusable, "\(origin) answered without keys")
        }
        return S3Credentials(
            accessKeyID: id,
            secretAccessKey: secret,
            sessionToken: fields[.sessionToken],
            expiration: try fields[.expiration].map { text throws(CredentialsError) in try time(text, of: origin) }
        )
    }

    /// What the Security Token Service says of a refusal: its code, and both code and message as they can be shown.
    static func tokenError(_ body: [UInt8]) -> (code: String, words: String)? {
        var document = ErrorDocument()
        do throws(XMLReader.Refusal) {
            try XMLReader.read(body, roots: [.errorResponse, .error]) { event in
                guard case .leaf(let tag, .error, let text) = event else { return }
                if tag == .code { document.code = String(decoding: text, as: UTF8.self) }
                if tag == .message { document.message = String(decoding: text, as: UTF8.self) }
            }
        } catch {
            return nil
        }
        if document.code.isEmpty { return nil }
        return (document.code, printable("\(document.code): \(document.message)"))
    }

    private static func time(_ text: String, of origin: String) throws(CredentialsError) -> S3Time {
        // Some write the offset of UTC in place of its letter.
        let plain = text.hasSuffix("+00:00") ? text.dropLast(6) + "Z" : text[...]
        guard let time = S3Time(iso8601: Array(plain.utf8)) else {
            throw CredentialsError(.unusable, "\(origin) answered an Expiration that is no time in UTC")
        }
        return time
    }
}
