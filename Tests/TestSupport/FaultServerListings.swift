/// Listings of objects: pages in the order of bytes, or of directories.
extension FaultStore {
    /// What stands in a page: an object, or what several keys begin with.
    private enum Entry {
        case object([UInt8], FaultObject)
        case commonPrefix([UInt8])

        /// By which it has its place in the order.
        var name: [UInt8] {
            switch self {
            case .object(let key, _): key
            case .commonPrefix(let prefix): prefix
            }
        }
    }

    func list(_ bucket: FaultBucket, _ request: FaultRequest) -> FaultAnswer {
        var entries = entries(of: bucket, prefix: request.bytes("prefix") ?? [], delimiter: request.bytes("delimiter"))
        if let token = request.text("continuation-token") {
            guard let start = position(token) else { return .error(400, "InvalidArgument", "an unknown token") }
            entries.removeAll { !isOrdered(start, $0.name) }
        } else if let start = request.bytes("start-after") {
            entries.removeAll { !isOrdered(start, $0.name) }
        }
        guard let wanted = request.text("max-keys").map({ Int($0) }) ?? quirks.pageSize, wanted >= 0 else {
            return .error(400, "InvalidArgument", "max-keys is no number")
        }
        let page = entries.prefix(min(wanted, quirks.pageSize))
        var next = page.count < entries.count ? page.last.map { token($0.name) } : nil
        if quirks.pagesNeverEnd { next = token([]) }
        return .document("ListBucketResult") { xml in
            xml.leaf("Name", request.bucket ?? "")
            // Unencoded, as two services leave it.
            xml.leaf("Prefix", request.bytes("prefix") ?? [])
            xml.leaf("KeyCount", "\(page.count)")
            xml.leaf("MaxKeys", "\(wanted)")
            if encodes(request) { xml.leaf("EncodingType", "url") }
            xml.leaf("IsTruncated", next == nil ? "false" : "true")
            if let next { xml.leaf("NextContinuationToken", next) }
            for entry in page {
                switch entry {
                case .object(let key, let object): row(object, spelled(key, request), in: &xml)
                case .commonPrefix(let prefix):
                    xml.element("CommonPrefixes") { $0.leaf("Prefix", spelled(prefix, request)) }
                }
            }
        }
    }

    private func row(_ object: FaultObject, _ key: [UInt8], in xml: inout FaultXMLWriter) {
        xml.element("Contents") { xml in
            xml.leaf("Key", key)
            xml.leaf("LastModified", FaultTime.iso8601(object.modified))
            xml.leaf("ETag", "\"\(object.etag)\"")
            xml.leaf("Size", "\(object.content.count)")
            xml.leaf("StorageClass", object.storageClass ?? "STANDARD")
        }
    }

    private func entries(of bucket: FaultBucket, prefix: [UInt8], delimiter: [UInt8]?) -> [Entry] {
        let keys = bucket.objects.keys.filter { $0.starts(with: prefix) }.sorted(by: isOrdered)
        var entries: [Entry] = []
        var prefixes: Set<[UInt8]> = []
        for key in keys {
            if let delimiter, !delimiter.isEmpty,
                let end = key.indices.dropFirst(prefix.count).first(where: { key[$0...].starts(with: delimiter) })
            {
                let common = Array(key[..<(end + delimiter.count)])
                if prefixes.insert(common).inserted { entries.append(.commonPrefix(common)) }
            } else if let object = bucket.objects[key] {
                entries.append(.object(key, object))
            }
        }
        return entries
    }

    /// Whether `left` is listed before `right`.
    private func isOrdered(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        guard quirks.listsByDirectory else { return left.lexicographicallyPrecedes(right) }
        let slash = UInt8(ascii: "/")
        let parts = [left, right].map { $0.split(separator: slash, omittingEmptySubsequences: false) }
        return parts[0].lexicographicallyPrecedes(parts[1]) { $0.lexicographicallyPrecedes($1) }
    }

    /// A token is where the page ended, in digits.
    private func token(_ name: [UInt8]) -> String { "after/\(FaultDigests.hexadecimal(name))+=" }

    private func position(_ token: String) -> [UInt8]? {
        guard token.hasPrefix("after/"), token.hasSuffix("+=") else { return nil }
        let digits = Array(token.dropFirst(6).dropLast(2).utf8)
        guard digits.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        for start in stride(from: 0, to: digits.count, by: 2) {
            guard let byte = UInt8(String(decoding: digits[start..<(start + 2)], as: UTF8.self), radix: 16) else {
                return nil
            }
            bytes.append(byte)
        }
        return bytes
    }

    func encodes(_ request: FaultRequest) -> Bool {
        !quirks.ignoresEncodingType && request.text("encoding-type") == "url"
    }

    /// A key as the answer to `request` has it.
    func spelled(_ key: [UInt8], _ request: FaultRequest) -> [UInt8] {
        guard encodes(request) else { return key }
        return FaultText.encoded(key, spaceAsPlus: quirks.encodesSpaceAsPlus, slash: quirks.encodesSlash)
    }
}
