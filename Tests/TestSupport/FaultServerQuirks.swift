/// The ways in which services differ from AWS. As it is made, a service behaves like AWS.
public struct FaultQuirks: Sendable {
    /// What ETag a multipart upload leaves.
    public enum MultipartETag: Sendable {
        /// The MD5 of the parts' MD5s, and their number.
        case digest
        /// Random digits and the number of parts, as R2 has them.
        case opaque
        /// The MD5 of the content, as `rclone serve` has it.
        case plainMD5
    }

    /// What comes of a range in a GET.
    public enum Ranges: Sendable {
        case honoured
        /// The range, but with status 200, as `rclone serve` answers.
        case answeredAs200
        /// The whole object with status 200.
        case ignored
    }

    public var multipartETag = MultipartETag.digest
    /// Parts have random ETags.
    public var partETagsAreOpaque = false
    /// What ListParts says of an upload that is not there; Ceph says `NoSuchKey`.
    public var goneUploadCode = "NoSuchUpload"
    /// A Complete that fails takes the upload with it, as does a part with a wrong Content-MD5 (`rclone serve`).
    public var failureDestroysUpload = false
    /// A part that is sent again stands beside the old one, and either ETag completes (SeaweedFS).
    public var keepsReplacedParts = false
    /// A second Complete of the same upload finds nothing (`rclone serve`).
    public var forgetsCompletedUploads = false
    /// Bytes that every part but the last must have.
    public var minimumPartSize = 5 << 20
    /// Lists directory by directory, as SeaweedFS does: `a/x` before `a-`.
    public var listsByDirectory = false
    /// Every page gives the same token or markers and says that there is more.
    public var pagesNeverEnd = false
    /// Keys come unencoded, whatever was asked.
    public var ignoresEncodingType = false
    /// Encoded keys have a space as `+`; else as `%20`.
    public var encodesSpaceAsPlus = true
    /// Encoded keys have a slash as `%2F`, as Ceph writes them.
    public var encodesSlash = false
    public var ranges = Ranges.honoured
    /// `If-Match` and `If-None-Match` are not read.
    public var ignoresConditions = false
    /// They are not read of a Complete.
    public var completesAnyway = false
    /// New objects are encrypted by a key of KMS, and their ETags opaque.
    public var encryptsByKMS = false
    /// Denies HEAD and GET of what is not there, as AWS does to who may not list.
    public var hidesAbsence = false
    /// Compares the checksums of bodies, and states one of each object to who asks.
    public var comparesChecksums = true
    /// Objects on a page, at most.
    public var pageSize = 1_000
    /// Parts or uploads on a page, at most.
    public var multipartPageSize = 1_000
    /// The region that requests must be signed for; nil for any.
    public var region: String?
    /// The session token that requests must bear; nil for none.
    public var sessionToken: String?

    public init() {}
}

extension FaultQuirks {
    /// Services by the ways that a probe of them showed, as far as there is a quirk for it.
    public enum Service: CaseIterable, Sendable {
        case aws
        /// `rclone serve s3` 1.75.2.
        case rclone
        /// SeaweedFS 4.48.
        case seaweedFS
        /// Ceph's gateway 16.2.15.
        case ceph
        /// Cloudflare R2, by its documents.
        case r2
    }

    /// Takes on the ways of a service; all else stays as it is.
    public mutating func behave(like service: Service) {
        switch service {
        case .aws: break
        case .rclone:
            multipartETag = .plainMD5
            failureDestroysUpload = true
            forgetsCompletedUploads = true
            ranges = .answeredAs200
            ignoresConditions = true
            comparesChecksums = false
        case .seaweedFS:
            keepsReplacedParts = true
            listsByDirectory = true
            encodesSpaceAsPlus = false
        case .ceph:
            goneUploadCode = "NoSuchKey"
            completesAnyway = true
            encodesSpaceAsPlus = false
            encodesSlash = true
            comparesChecksums = false
        case .r2:
            multipartETag = .opaque
            partETagsAreOpaque = true
        }
    }
}
