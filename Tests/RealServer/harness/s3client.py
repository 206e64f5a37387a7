"""A small S3 client on the standard library alone: enough to look at a bucket from outside syncd, and to change it the
way another tool would. Keys are bytes throughout."""

import datetime
import hashlib
import hmac
import http.client
import threading
import urllib.parse
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field

REGION = "us-east-1"
EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True)
class Credentials:
    access_key: str
    secret_key: str


@dataclass(frozen=True)
class Listed:
    """One object as a listing shows it. `modified` is the service's own text."""

    size: int
    etag: str
    modified: str


@dataclass
class Answer:
    status: int
    headers: dict = field(default_factory=dict)
    body: bytes = b""


class S3Failure(Exception):
    """An answer that is no success; `status` and `code` are what S3 calls them."""

    def __init__(self, what, answer):
        self.status = answer.status
        text = answer.body.decode("utf-8", "replace")
        self.code = text.partition("<Code>")[2].partition("</Code>")[0]
        super().__init__(f"{what}: HTTP {answer.status} {self.code or text[:200]}")


def as_bytes(key):
    return key.encode() if isinstance(key, str) else bytes(key)


def quote(value):
    """Percent-encoded as Signature V4 wants it: all but letters, digits and `-._~`."""
    return urllib.parse.quote(as_bytes(value), safe="")


def object_path(bucket, key=b""):
    path = "/" + bucket
    key = as_bytes(key)
    return path + "/" + "/".join(quote(segment) for segment in key.split(b"/")) if key else path


def query_text(pairs):
    return "&".join(sorted(f"{quote(name)}={quote(value)}" for name, value in pairs))


def signature(secret_key, canonical, stamp, region, service):
    """The signature of a canonical request, in hexadecimal."""
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = b"AWS4" + secret_key.encode()
    for part in (stamp[:8], region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def sign(credentials, method, host, path, query, headers, payload_sha256):
    """The headers of a request with its signature among them.

    `path` and `query` are the texts that go onto the wire, `query` in canonical order.
    """
    stamp = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    signed = {name.lower(): str(value).strip() for name, value in headers.items()}
    signed |= {"host": host, "x-amz-date": stamp, "x-amz-content-sha256": payload_sha256}
    names = ";".join(sorted(signed))
    lines = "".join(f"{name}:{signed[name]}\n" for name in sorted(signed))
    canonical = "\n".join([method, path, query, lines, names, payload_sha256])
    scope = f"{stamp[:8]}/{REGION}/s3/aws4_request"
    proof = signature(credentials.secret_key, canonical, stamp, REGION, "s3")
    signed["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={credentials.access_key}/{scope}, SignedHeaders={names}, Signature={proof}"
    )
    return signed


class S3Client:
    """Path style, plain HTTP, one connection that is opened again where it has gone."""

    def __init__(self, port, credentials, host="127.0.0.1", timeout=60):
        self.credentials = credentials
        self.host = f"{host}:{port}"
        self._connection = http.client.HTTPConnection(host, port, timeout=timeout)
        self._lock = threading.Lock()

    def close(self):
        self._connection.close()

    def request(self, method, bucket, key=b"", query=(), headers=None, body=b""):
        """Sends one request. - Returns: the answer, whatever its status."""
        path = object_path(bucket, key) if bucket else "/"
        query = query_text(query)
        digest = hashlib.sha256(body).hexdigest() if body else EMPTY_SHA256
        signed = sign(self.credentials, method, self.host, path, query, headers or {}, digest)
        target = f"{path}?{query}" if query else path
        with self._lock:
            for attempt in (1, 2):
                try:
                    self._connection.request(method, target, body=body, headers=signed)
                    response = self._connection.getresponse()
                    answered = {name.lower(): value for name, value in response.getheaders()}
                    return Answer(response.status, answered, response.read())
                except (http.client.HTTPException, ConnectionError):
                    # The server may close an idle connection at any time; a second failure is a real one.
                    self._connection.close()
                    if attempt == 2:
                        raise

    def _succeed(self, method, bucket, key=b"", **options):
        answer = self.request(method, bucket, key, **options)
        if answer.status >= 300:
            raise S3Failure(f"{method} {bucket}/{as_bytes(key)!r}", answer)
        return answer

    def create_bucket(self, bucket):
        self._succeed("PUT", bucket)

    def delete_bucket(self, bucket):
        """Removes the bucket. SeaweedFS removes one that is not empty as well."""
        self._succeed("DELETE", bucket)

    def put(self, bucket, key, body=b"", metadata=None):
        headers = {f"x-amz-meta-{name}": value for name, value in (metadata or {}).items()}
        return self._succeed("PUT", bucket, key, headers=headers, body=body).headers.get("etag", "").strip('"')

    def get(self, bucket, key):
        return self._succeed("GET", bucket, key).body

    def head(self, bucket, key):
        """The object's headers, their names in lower case; None where there is no such object."""
        answer = self.request("HEAD", bucket, key)
        if answer.status == 404:
            return None
        if answer.status >= 300:
            raise S3Failure(f"HEAD {bucket}/{as_bytes(key)!r}", answer)
        return answer.headers

    def delete(self, bucket, key):
        self._succeed("DELETE", bucket, key)

    def list(self, bucket, prefix=b""):
        """All objects below `prefix`, {key: Listed}."""
        objects = {}
        token = None
        while True:
            query = [("list-type", "2"), ("encoding-type", "url"), ("prefix", prefix), ("max-keys", "1000")]
            if token:
                query.append(("continuation-token", token))
            answer = self._succeed("GET", bucket, query=query)
            page, token = parse_list(answer.body)
            objects.update(page)
            if not token:
                return objects

    def put_in_parts(self, bucket, key, body, part_size):
        """Puts an object as large ones are put: its ETag is that of its parts. - Returns: the ETag."""
        root = ElementTree.fromstring(self._succeed("POST", bucket, key, query=[("uploads", "")]).body)
        upload = ("uploadId", root.findtext(f"{_space(root)}UploadId"))
        rows = ""
        for number, start in enumerate(range(0, len(body), part_size), 1):
            query = [("partNumber", str(number)), upload]
            sent = self._succeed("PUT", bucket, key, query=query, body=body[start : start + part_size])
            rows += f"<Part><PartNumber>{number}</PartNumber><ETag>{sent.headers['etag']}</ETag></Part>"
        text = f"<CompleteMultipartUpload>{rows}</CompleteMultipartUpload>"
        root = ElementTree.fromstring(self._succeed("POST", bucket, key, query=[upload], body=text.encode()).body)
        return root.findtext(f"{_space(root)}ETag").strip('"')

    def uploads(self, bucket, prefix=b""):
        """The unfinished uploads in parts of keys below `prefix`: [(key, upload id)]."""
        query = [("uploads", ""), ("encoding-type", "url"), ("prefix", prefix), ("max-uploads", "1000")]
        root = ElementTree.fromstring(self._succeed("GET", bucket, query=query).body)
        if root.findtext(f"{_space(root)}IsTruncated") == "true":
            raise AssertionError("more unfinished uploads than fit a page")
        return [
            (_key_of(upload, _space(root)), upload.findtext(f"{_space(root)}UploadId"))
            for upload in root.findall(f"{_space(root)}Upload")
        ]

    def abort_upload(self, bucket, key, upload):
        self._succeed("DELETE", bucket, key, query=[("uploadId", upload)])

    def parts(self, bucket, key, upload):
        """The numbers of the parts that the service holds of an unfinished upload, each once."""
        root = ElementTree.fromstring(self._succeed("GET", bucket, key, query=[("uploadId", upload)]).body)
        return {int(part.findtext(f"{_space(root)}PartNumber")) for part in root.findall(f"{_space(root)}Part")}


def _space(root):
    """The namespace of a document's elements, as ElementTree writes it before their names."""
    return root.tag.partition("}")[0] + "}" if root.tag.startswith("{") else ""


def _key_of(element, space):
    # In this encoding a space is a plus, and a plus is %2B.
    return urllib.parse.unquote_to_bytes((element.findtext(f"{space}Key") or "").replace("+", " "))


def parse_list(body):
    """The objects of one ListObjectsV2 page that was asked for with `encoding-type=url`, and the next token."""
    root = ElementTree.fromstring(body)
    space = _space(root)
    objects = {}
    for element in root.findall(f"{space}Contents"):
        objects[_key_of(element, space)] = Listed(
            size=int(element.findtext(f"{space}Size")),
            etag=(element.findtext(f"{space}ETag") or "").strip('"'),
            modified=element.findtext(f"{space}LastModified") or "",
        )
    truncated = root.findtext(f"{space}IsTruncated") == "true"
    return objects, root.findtext(f"{space}NextContinuationToken") if truncated else None
