import Text

/// How one key of a batch of deletes ended.
public struct DeleteOutcome: Sendable {
    public var key: ObjectKey
    /// Nil if the object is gone, or was not there.
    public var error: S3Error?
}

extension S3Client {
    /// Keys that one request may delete.
    public static let maximumBatch = 1_000

    /// Deletes objects, in one request as far as their keys can stand in XML, the others one by one.
    /// - Precondition: at most ``maximumBatch`` keys.
    /// - Returns: how each ended, in the order of `keys`.
    /// - Throws: if the request as a whole failed: then nothing is known to be deleted.
    public func deleteObjects(bucket: String, keys: [ObjectKey]) async throws(S3Error) -> [DeleteOutcome] {
        precondition(keys.count <= Self.maximumBatch, "at most \(Self.maximumBatch) keys in a batch")
        let batch = keys.filter(\.canStandInXML)
        var known: [ObjectKey: DeleteOutcome] = [:]
        if batch.count > 1 {
            do throws(S3Error) {
                known = try await deleteInBatches(bucket: bucket, keys: batch)
            } catch {
                guard Self.meansNoBatches(error.code) else { throw error }
            }
        }
        var outcomes: [DeleteOutcome] = []
        for key in keys {
            if let outcome = known[key] {
                outcomes.append(outcome)
            } else {
                outcomes.append(DeleteOutcome(key: key, error: await deleteOne(bucket: bucket, key: key)))
            }
        }
        return outcomes
    }

    private static func meansNoBatches(_ code: S3Error.Code) -> Bool {
        [.notImplemented, .other("MethodNotAllowed"), .other("405")].contains(code)
    }

    /// Deletes `keys` in one request, and in further ones those for which the answer says to try again.
    private func deleteInBatches(
        bucket: String,
        keys: [ObjectKey]
    ) async throws(S3Error) -> [ObjectKey: DeleteOutcome] {
        var outcomes = try await deleteBatch(bucket: bucket, keys: keys)
        var attempt = 1
        while true {
            let failed = keys.compactMap { outcomes[$0] }.filter { outcome in
                outcome.error.map { RetryPolicy.kind(of: $0) != .final } ?? false
            }
            guard let failure = failed.first?.error else { return outcomes }
            do throws(S3Error) {
                try await pause(after: attempt, failure, nil)
                outcomes.merge(try await deleteBatch(bucket: bucket, keys: failed.map(\.key))) { $1 }
            } catch {
                // What the earlier answers said still holds.
                return outcomes
            }
            attempt += 1
        }
    }

    private func deleteOne(bucket: String, key: ObjectKey) async -> S3Error? {
        do {
            try await deleteObject(bucket: bucket, key: key)
            return nil
        } catch {
            return error
        }
    }

    private func deleteBatch(bucket: String, keys: [ObjectKey]) async throws(S3Error) -> [ObjectKey: DeleteOutcome] {
        var body = Array("<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">".utf8)
        for key in keys {
            body += Array("<Object><Key>".utf8)
            key.appendEscaped(to: &body)
            body += Array("</Key></Object>".utf8)
        }
        body += Array("</Delete>".utf8)
        let operation = Operation(
            name: "DeleteObjects",
            method: .post,
            bucket: bucket,
            query: [("delete", [])],
            headers: [
                ("content-md5", Base64.encode(try digest(body, bucket).md5)), ("content-type", "application/xml"),
            ],
            body: .bytes(body),
            bodySHA256: Digests.hexadecimal(Digests.sha256(body)),
            sink: .memory(limit: HTTPLimits.listBody)
        )
        let response = try await perform(operation)
        do throws(XMLReader.Refusal) {
            return collect(try S3Answers.deleteResults(response.body), keys: keys, operation)
        } catch {
            throw malformed(operation, response, error)
        }
    }

    private func digest(_ body: [UInt8], _ bucket: String) throws(S3Error) -> BodyDigests {
        do throws(TransportError) {
            return try hash(.bytes(body))
        } catch {
            throw S3Error(code: .transport, operation: "DeleteObjects", bucket: bucket, message: error.message)
        }
    }

    /// Keys that the answer does not name were not deleted.
    private func collect(
        _ results: [[UInt8]: ErrorDocument?],
        keys: [ObjectKey],
        _ operation: Operation
    ) -> [ObjectKey: DeleteOutcome] {
        var outcomes: [ObjectKey: DeleteOutcome] = [:]
        for key in keys {
            var outcome = DeleteOutcome(key: key)
            switch results[key.bytes] {
            case .some(nil): break
            case .some(let document?):
                let code = S3Error.Code(name: document.code, status: 200)
                outcome.error = failure(code, of: key, operation, "\(document.code): \(document.message)")
            case nil:
                outcome.error = failure(.malformedAnswer, of: key, operation, "the answer says nothing of this key")
            }
            outcomes[key] = outcome
        }
        return outcomes
    }

    private func failure(_ code: S3Error.Code, of key: ObjectKey, _ operation: Operation, _ message: String) -> S3Error
    {
        S3Error(
            code: code,
            operation: operation.name,
            bucket: operation.bucket,
            key: key,
            status: 200,
            message: message
        )
    }
}

extension ObjectKey {
    /// False for bytes that are no UTF-8, for characters that XML 1.0 has no way to write, and for the carriage return,
    /// which comes back as a line feed from a service that does not escape it.
    var canStandInXML: Bool {
        guard let text = String(validating: bytes, as: UTF8.self) else { return false }
        return text.unicodeScalars.allSatisfy {
            switch $0.value {
            case 0x9, 0xA, 0x20...0xD7FF, 0xE000...0xFFFD, 0x10000...0x10FFFF: true
            default: false
            }
        }
    }

    /// As XML text. White space that a parser would change goes as a character reference.
    func appendEscaped(to body: inout [UInt8]) {
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "&"): body += Array("&amp;".utf8)
            case UInt8(ascii: "<"): body += Array("&lt;".utf8)
            case UInt8(ascii: ">"): body += Array("&gt;".utf8)
            case 9, 10: body += Array("&#\(byte);".utf8)
            default: body.append(byte)
            }
        }
    }
}
