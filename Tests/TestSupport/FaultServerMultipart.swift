/// Multipart uploads.
extension FaultStore {
    mutating func createUpload(
        _ bucket: inout FaultBucket,
        _ request: FaultRequest,
        _ key: [UInt8],
        now: Int64
    ) -> FaultAnswer {
        guard let metadata = Self.metadata(request) else { return .error(400, "MetadataTooLarge") }
        var upload = FaultUpload(id: uploadID(), key: key, initiated: now)
        upload.metadata = metadata
        upload.contentType = request.header("content-type")
        upload.customerKeyMD5 = request.header(Self.customerKeyHeader)
        bucket.uploads[upload.id] = upload
        return .document("InitiateMultipartUploadResult") { xml in
            xml.leaf("Bucket", request.bucket ?? "")
            xml.leaf("Key", key)
            xml.leaf("UploadId", upload.id)
        }
    }

    mutating func uploadPart(
        _ bucket: inout FaultBucket,
        _ request: FaultRequest,
        _ key: [UInt8],
        now: Int64
    ) -> FaultAnswer {
        guard let number = request.number("partNumber"), (1...10_000).contains(number) else {
            return .error(400, "InvalidArgument", "a part's number is 1 to 10000")
        }
        guard var upload = upload(bucket, request, key) else { return .error(404, "NoSuchUpload") }
        guard upload.customerKeyMD5 == request.header(Self.customerKeyHeader) else {
            return .error(400, "InvalidRequest", "the upload is under another key")
        }
        if let refusal = checksumRefusal(request) { return refusal }
        let tag = quirks.partETagsAreOpaque ? opaqueTag() : FaultDigests.etag(request.body)
        if !quirks.keepsReplacedParts { upload.parts.removeAll { $0.number == number } }
        upload.parts.append(FaultPart(number: number, content: request.body, etag: tag, modified: now))
        bucket.uploads[upload.id] = upload
        return FaultAnswer(200, headers: [("ETag", "\"\(tag)\"")])
    }

    private func upload(_ bucket: FaultBucket, _ request: FaultRequest, _ key: [UInt8]) -> FaultUpload? {
        request.text("uploadId").flatMap { bucket.uploads[$0] }.flatMap { $0.key == key ? $0 : nil }
    }

    mutating func abortUpload(_ bucket: inout FaultBucket, _ request: FaultRequest, _ key: [UInt8]) -> FaultAnswer {
        guard let upload = upload(bucket, request, key) else { return .error(404, "NoSuchUpload") }
        bucket.uploads[upload.id] = nil
        return FaultAnswer(204)
    }

    /// A part that arrived damaged may be the end of its upload.
    mutating func partArrivedDamaged(_ request: FaultRequest) {
        guard quirks.failureDestroysUpload, let name = request.bucket, let id = request.text("uploadId") else { return }
        buckets[name]?.uploads[id] = nil
    }

    // MARK: Complete

    mutating func completeUpload(
        _ bucket: inout FaultBucket,
        _ request: FaultRequest,
        _ key: [UInt8],
        now: Int64
    ) -> FaultAnswer {
        let id = request.text("uploadId") ?? ""
        guard let upload = upload(bucket, request, key) else {
            guard let tag = bucket.completed[id], !quirks.forgetsCompletedUploads else {
                return .error(404, "NoSuchUpload")
            }
            return completesRefusal(request, bucket.objects[key]) ?? completed(request, key, tag)
        }
        if let refusal = completesRefusal(request, bucket.objects[key]) { return refusal }
        let parts: [FaultPart]
        do throws(PartRefusal) {
            parts = try chosenParts(of: upload, request.body)
        } catch {
            if quirks.failureDestroysUpload { bucket.uploads[id] = nil }
            return .error(400, error.code)
        }
        var object = FaultObject(content: parts.flatMap(\.content), etag: "", modified: now)
        object.etag =
            switch quirks.multipartETag {
            case .digest: FaultDigests.etag(parts: parts.map(\.content))
            case .opaque: "\(opaqueTag())-\(parts.count)"
            case .plainMD5: FaultDigests.etag(object.content)
            }
        object.metadata = upload.metadata
        object.contentType = upload.contentType
        object.customerKeyMD5 = upload.customerKeyMD5
        encrypt(&object)
        bucket.objects[key] = object
        bucket.uploads[id] = nil
        bucket.completed[id] = object.etag
        return completed(request, key, object.etag)
    }

    private func completesRefusal(_ request: FaultRequest, _ current: FaultObject?) -> FaultAnswer? {
        quirks.completesAnyway ? nil : refusal(request, current: current)
    }

    private func completed(_ request: FaultRequest, _ key: [UInt8], _ tag: String) -> FaultAnswer {
        .document("CompleteMultipartUploadResult") { xml in
            xml.leaf("Location", "http://\(request.header("host") ?? "")/\(request.bucket ?? "")")
            xml.leaf("Bucket", request.bucket ?? "")
            xml.leaf("Key", key)
            xml.leaf("ETag", "\"\(tag)\"")
        }
    }

    private struct PartRefusal: Error {
        var code: String
    }

    /// The parts that a Complete names, which are all that become the object.
    private func chosenParts(of upload: FaultUpload, _ body: [UInt8]) throws(PartRefusal) -> [FaultPart] {
        guard let root = FaultXMLElement.parse(body), root.name == "CompleteMultipartUpload", !root.children.isEmpty
        else { throw PartRefusal(code: "MalformedXML") }
        var chosen: [FaultPart] = []
        for element in root.children {
            guard element.name == "Part", let text = element.text(of: "PartNumber"),
                let number = Int(String(decoding: text, as: UTF8.self)), let tag = element.text(of: "ETag")
            else { throw PartRefusal(code: "MalformedXML") }
            if let last = chosen.last, number <= last.number { throw PartRefusal(code: "InvalidPartOrder") }
            let wanted = Self.unquoted(String(decoding: tag, as: UTF8.self))
            guard let part = upload.parts.last(where: { $0.number == number && $0.etag == wanted }) else {
                throw PartRefusal(code: "InvalidPart")
            }
            chosen.append(part)
        }
        guard chosen.dropLast().allSatisfy({ $0.content.count >= quirks.minimumPartSize }) else {
            throw PartRefusal(code: "EntityTooSmall")
        }
        return chosen
    }

    // MARK: Listings

    func listParts(_ bucket: FaultBucket, _ request: FaultRequest, _ key: [UInt8]) -> FaultAnswer {
        guard let upload = upload(bucket, request, key) else { return .error(404, quirks.goneUploadCode) }
        let limit = max(1, min(request.number("max-parts") ?? quirks.multipartPageSize, quirks.multipartPageSize))
        let marker = request.number("part-number-marker") ?? 0
        let parts = upload.parts.filter { $0.number > marker || quirks.pagesNeverEnd }
            .sorted { ($0.number, $0.modified) < ($1.number, $1.modified) }
        // A number that stands twice is never divided between pages, or its second entry would be lost.
        let last = parts.count > limit ? parts[limit - 1].number : Int.max
        let page = parts.filter { $0.number <= last }
        let isTruncated = page.count < parts.count || quirks.pagesNeverEnd
        return .document("ListPartsResult") { xml in
            xml.leaf("Bucket", request.bucket ?? "")
            if encodes(request) { xml.leaf("EncodingType", "url") }
            xml.leaf("Key", spelled(key, request))
            xml.leaf("UploadId", upload.id)
            xml.leaf("PartNumberMarker", "\(marker)")
            if let last = page.last { xml.leaf("NextPartNumberMarker", "\(last.number)") }
            xml.leaf("MaxParts", "\(limit)")
            xml.leaf("IsTruncated", "\(isTruncated)")
            for part in page {
                xml.element("Part") { xml in
                    xml.leaf("PartNumber", "\(part.number)")
                    xml.leaf("LastModified", FaultTime.iso8601(part.modified))
                    xml.leaf("ETag", "\"\(part.etag)\"")
                    xml.leaf("Size", "\(part.content.count)")
                }
            }
        }
    }

    func listUploads(_ bucket: FaultBucket, _ request: FaultRequest) -> FaultAnswer {
        let limit = min(request.number("max-uploads") ?? quirks.multipartPageSize, quirks.multipartPageSize)
        let key = quirks.pagesNeverEnd ? [] : request.bytes("key-marker") ?? []
        let id = request.bytes("upload-id-marker") ?? []
        let uploads = bucket.uploads.values.filter { upload in
            upload.key.starts(with: request.bytes("prefix") ?? [])
                && (key.lexicographicallyPrecedes(upload.key)
                    || (key == upload.key && id.lexicographicallyPrecedes(Array(upload.id.utf8)) && !id.isEmpty))
        }
        .sorted { $0.key == $1.key ? $0.id < $1.id : $0.key.lexicographicallyPrecedes($1.key) }
        let page = uploads.prefix(limit)
        let isTruncated = page.count < uploads.count || quirks.pagesNeverEnd
        return .document("ListMultipartUploadsResult") { xml in
            xml.leaf("Bucket", request.bucket ?? "")
            if encodes(request) { xml.leaf("EncodingType", "url") }
            xml.leaf("KeyMarker", spelled(key, request))
            xml.leaf("UploadIdMarker", id)
            if isTruncated, let last = page.last {
                xml.leaf("NextKeyMarker", spelled(last.key, request))
                xml.leaf("NextUploadIdMarker", last.id)
            }
            xml.leaf("MaxUploads", "\(limit)")
            xml.leaf("IsTruncated", "\(isTruncated)")
            for upload in page {
                xml.element("Upload") { xml in
                    xml.leaf("Key", spelled(upload.key, request))
                    xml.leaf("UploadId", upload.id)
                    xml.element("Initiator") { $0.leaf("ID", "somebody") }
                    xml.leaf("StorageClass", "STANDARD")
                    xml.leaf("Initiated", FaultTime.iso8601(upload.initiated))
                }
            }
        }
    }
}
