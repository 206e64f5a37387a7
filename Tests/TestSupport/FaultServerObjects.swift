/// Buckets and objects: what each request does and is answered.
extension FaultStore {
    /// Does what is asked. `now` is in seconds since 1970.
    mutating func perform(_ request: FaultRequest, now: Int64) -> FaultAnswer {
        guard request.operation != .unknown, request.header("x-amz-copy-source") == nil else {
            return .error(501, "NotImplemented", "\(request.method) \(request.target)")
        }
        guard let name = request.bucket else { return listBuckets() }
        // Taken out, so that a change copies nothing.
        guard var bucket = buckets.removeValue(forKey: name) else { return .error(404, "NoSuchBucket") }
        defer { buckets[name] = bucket }
        let key = request.key ?? []
        guard key.count <= 1_024 else { return .error(400, "KeyTooLongError") }
        switch request.operation {
        case .listBuckets, .unknown: return .error(501, "NotImplemented")
        case .headBucket: return FaultAnswer(200, headers: [("x-amz-bucket-region", bucket.region)])
        case .getBucketLocation: return location(of: bucket)
        case .listObjectsV2: return list(bucket, request)
        case .headObject, .getObject: return read(bucket, request, key)
        case .putObject: return put(&bucket, request, key, now: now)
        case .deleteObject:
            bucket.objects[key] = nil
            return FaultAnswer(204)
        case .deleteObjects: return deleteBatch(&bucket, request)
        case .createMultipartUpload: return createUpload(&bucket, request, key, now: now)
        case .uploadPart: return uploadPart(&bucket, request, key, now: now)
        case .listParts: return listParts(bucket, request, key)
        case .completeMultipartUpload: return completeUpload(&bucket, request, key, now: now)
        case .abortMultipartUpload: return abortUpload(&bucket, request, key)
        case .listMultipartUploads: return listUploads(bucket, request)
        }
    }

    private func listBuckets() -> FaultAnswer {
        .document("ListAllMyBucketsResult") { xml in
            xml.element("Buckets") { xml in
                for (name, bucket) in buckets.sorted(by: { $0.key < $1.key }) {
                    xml.element("Bucket") { xml in
                        xml.leaf("Name", name)
                        xml.leaf("CreationDate", FaultTime.iso8601(bucket.created))
                    }
                }
            }
        }
    }

    private func location(of bucket: FaultBucket) -> FaultAnswer {
        let text = bucket.region == "us-east-1" ? "" : bucket.region
        let xml = FaultXMLWriter("LocationConstraint", namespace: "http://s3.amazonaws.com/doc/2006-03-01/") { xml in
            xml.text(Array(text.utf8))
        }
        return FaultAnswer(200, headers: [("Content-Type", "application/xml")], body: xml.bytes)
    }

    // MARK: Reading

    private func read(_ bucket: FaultBucket, _ request: FaultRequest, _ key: [UInt8]) -> FaultAnswer {
        guard let object = bucket.objects[key] else {
            return quirks.hidesAbsence ? .error(403, "AccessDenied") : .error(404, "NoSuchKey")
        }
        if let refusal = refusal(request, current: object) { return refusal }
        if let refusal = customerKeyRefusal(object, request) { return refusal }
        var headers = Self.headers(of: object) + checksumHeaders(object, request)
        if request.operation == .headObject { return FaultAnswer(200, headers: headers, body: object.content) }
        guard !["GLACIER", "DEEP_ARCHIVE"].contains(object.storageClass) else {
            return .error(403, "InvalidObjectState")
        }
        guard quirks.ranges != .ignored, let text = request.header("range"),
            let range = Self.range(text, size: object.content.count)
        else { return FaultAnswer(200, headers: headers, body: object.content) }
        guard !range.isEmpty else {
            return .error(416, "InvalidRange", headers: [("Content-Range", "bytes */\(object.content.count)")])
        }
        let span = "\(range.lowerBound)-\(range.upperBound - 1)"
        headers.append(("Content-Range", "bytes \(span)/\(object.content.count)"))
        let status = quirks.ranges == .answeredAs200 ? 200 : 206
        return FaultAnswer(status, headers: headers, body: Array(object.content[range]))
    }

    /// The bytes that a Range header means; empty if there are none of them, nil if it is none that S3 heeds.
    private static func range(_ text: String, size: Int) -> Range<Int>? {
        guard text.hasPrefix("bytes=") else { return nil }
        let ends = text.dropFirst(6).split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count == 2 else { return nil }
        switch (Int(ends[0]), Int(ends[1])) {
        case (let first?, let last?):
            guard first <= last else { return nil }
            return first < size ? first..<min(size, last + 1) : 0..<0
        case (let first?, nil): return ends[1].isEmpty ? min(first, size)..<size : nil
        case (nil, let count?): return ends[0].isEmpty ? max(0, size - count)..<size : nil
        case (nil, nil): return nil
        }
    }

    private static func headers(of object: FaultObject) -> [(name: String, value: String)] {
        var headers = [
            (name: "ETag", value: "\"\(object.etag)\""), ("Last-Modified", FaultTime.http(object.modified)),
            ("Accept-Ranges", "bytes"), ("Content-Type", object.contentType ?? "binary/octet-stream"),
        ]
        for (name, value) in object.metadata.sorted(by: { $0.key < $1.key }) {
            headers.append(("x-amz-meta-\(name)", value))
        }
        if let storageClass = object.storageClass { headers.append(("x-amz-storage-class", storageClass)) }
        if object.customerKeyMD5 != nil {
            headers.append(("x-amz-server-side-encryption-customer-algorithm", "AES256"))
        }
        if object.isUnderKMS { headers.append(("x-amz-server-side-encryption", "aws:kms")) }
        return headers
    }

    /// What a condition says against going on; nil if nothing does. `current` is the object under the key.
    func refusal(_ request: FaultRequest, current: FaultObject?) -> FaultAnswer? {
        guard !quirks.ignoresConditions else { return nil }
        let isReading = request.method == "GET" || request.method == "HEAD"
        if let tag = request.header("if-match") {
            guard let current else { return .error(404, "NoSuchKey") }
            guard Self.unquoted(tag) == current.etag || tag == "*" else { return .error(412, "PreconditionFailed") }
        }
        if let tag = request.header("if-none-match"), let current, tag == "*" || Self.unquoted(tag) == current.etag {
            return isReading ? FaultAnswer(304) : .error(412, "PreconditionFailed")
        }
        return nil
    }

    static func unquoted(_ tag: String) -> String {
        tag.count >= 2 && tag.hasPrefix("\"") && tag.hasSuffix("\"") ? String(tag.dropFirst().dropLast()) : tag
    }

    // MARK: Writing

    private mutating func put(
        _ bucket: inout FaultBucket,
        _ request: FaultRequest,
        _ key: [UInt8],
        now: Int64
    ) -> FaultAnswer {
        if let refusal = refusal(request, current: bucket.objects[key]) { return refusal }
        if let refusal = checksumRefusal(request) { return refusal }
        guard let metadata = Self.metadata(request) else { return .error(400, "MetadataTooLarge") }
        var object = FaultObject(content: request.body, etag: FaultDigests.etag(request.body), modified: now)
        object.metadata = metadata
        object.contentType = request.header("content-type")
        object.customerKeyMD5 = request.header(Self.customerKeyHeader)
        encrypt(&object)
        bucket.objects[key] = object
        return FaultAnswer(200, headers: Self.headers(of: object).filter { Self.putHeaders.contains($0.name) })
    }

    private static let putHeaders = ["ETag", "x-amz-server-side-encryption"]

    mutating func encrypt(_ object: inout FaultObject) {
        guard quirks.encryptsByKMS || object.customerKeyMD5 != nil else { return }
        object.isUnderKMS = object.customerKeyMD5 == nil
        object.etag = opaqueTag()
    }

    /// Nil if it is more than 2 KiB.
    static func metadata(_ request: FaultRequest) -> [String: String]? {
        var metadata: [String: String] = [:]
        for header in request.headers where header.name.hasPrefix("x-amz-meta-") {
            metadata[String(header.name.dropFirst("x-amz-meta-".count))] = header.value
        }
        let size = metadata.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count }
        return size <= 2_048 ? metadata : nil
    }

    private func deleteBatch(_ bucket: inout FaultBucket, _ request: FaultRequest) -> FaultAnswer {
        guard request.header("content-md5") != nil else {
            return .error(400, "InvalidRequest", "Content-MD5 is missing")
        }
        guard let root = FaultXMLElement.parse(request.body), root.name == "Delete" else {
            return .error(400, "MalformedXML")
        }
        let keys = root.children.filter { $0.name == "Object" }.map { $0.text(of: "Key") ?? [] }
        guard (1...1_000).contains(keys.count), !keys.contains([]) else { return .error(400, "MalformedXML") }
        let isQuiet = root.text(of: "Quiet") == Array("true".utf8)
        return .document("DeleteResult") { xml in
            for key in keys {
                if let code = bucket.deleteErrors[key]?.first {
                    bucket.deleteErrors[key]?.removeFirst()
                    xml.element("Error") { xml in
                        xml.leaf("Key", key)
                        xml.leaf("Code", code)
                        xml.leaf("Message", "so it was told")
                    }
                    continue
                }
                bucket.objects[key] = nil
                if !isQuiet { xml.element("Deleted") { $0.leaf("Key", key) } }
            }
        }
    }
}
