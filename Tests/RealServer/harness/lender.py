"""Stands in for those who lend keys: STS, a container's endpoint and an instance's metadata service, on loopback."""

import datetime
import hashlib
import http.server
import json
import threading
import urllib.parse

from .s3client import signature

ROLE = "arn:aws:iam::123456789012:role/backup"
METADATA_TOKEN = "metadata-token"
ROLES_PATH = "/latest/meta-data/iam/security-credentials/"


class Lender:
    """Lends `keys`, a list of credentials: the first request gets the first, and so on; the last one is lent again and
    again. `requests` are the paths or actions that were asked for; `faults` what was wrong with them."""

    def __init__(self, *keys, life_seconds=3_600, base=None):
        """`base` are the keys whose signature AssumeRole wants."""
        self.keys = list(keys)
        self.life_seconds = life_seconds
        self.base = base
        self.token = "identity-token"
        self.authorization = None
        self.status = 200
        self.requests = []
        self.faults = []
        self._lock = threading.Lock()
        self._http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._http.daemon_threads = True
        self._http.block_on_close = False
        self._http.lender = self
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def close(self):
        self._http.shutdown()
        self._http.server_close()

    def lend(self):
        with self._lock:
            keys = self.keys[0]
            if len(self.keys) > 1:
                self.keys.pop(0)
        end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=self.life_seconds)
        return keys, end.strftime("%Y-%m-%dT%H:%M:%SZ")

    def note(self, what):
        with self._lock:
            self.requests.append(what)

    def object(self, condition, what):
        """Notes a fault unless the condition holds. - Returns: whether it holds."""
        if not condition:
            with self._lock:
                self.faults.append(what)
        return condition


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    @property
    def lender(self):
        return self.server.lender

    def answer(self, body, status=None):
        body = body.encode()
        self.send_response(status or self.lender.status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_PUT(self):
        self.lender.note("token")
        self.lender.object(self.path == "/latest/api/token", f"PUT {self.path}")
        self.lender.object(self.headers.get("x-aws-ec2-metadata-token-ttl-seconds"), "a token without lifetime")
        self.answer(METADATA_TOKEN)

    def do_GET(self):
        self.lender.note(self.path)
        if self.path.startswith("/latest/"):
            token = self.headers.get("x-aws-ec2-metadata-token")
            if not self.lender.object(token == METADATA_TOKEN, "version 2's token is missing"):
                return self.answer("", 401)
            if self.path == ROLES_PATH:
                return self.answer("web\n")
        elif self.lender.authorization is not None:
            given = self.headers.get("authorization")
            if not self.lender.object(given == self.lender.authorization, f"authorization is {given}"):
                return self.answer("", 401)
        keys, end = self.lender.lend()
        fields = {"Code": "Success", "AccessKeyId": keys.access_key, "SecretAccessKey": keys.secret_key}
        return self.answer(json.dumps(fields | {"Expiration": end}))

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        fields = dict(urllib.parse.parse_qsl(body.decode(), strict_parsing=True))
        action = fields.get("Action")
        self.lender.note(action)
        self.lender.object(fields.get("RoleArn") == ROLE, f"role {fields.get('RoleArn')}")
        if action == "AssumeRole":
            good = self.lender.object(self.is_signed(body), "AssumeRole is not signed as it should be")
        else:
            token = fields.get("WebIdentityToken")
            good = self.lender.object(token == self.lender.token, f"the token is {token}")
            self.lender.object(self.headers.get("authorization") is None, "a request with a token is signed")
        if not good or self.lender.status != 200:
            error = "<Code>AccessDenied</Code><Message>not for you</Message>"
            return self.answer(f"<ErrorResponse><Error>{error}</Error></ErrorResponse>", 403)
        keys, end = self.lender.lend()
        return self.answer(
            f"<{action}Response><{action}Result><Credentials><AccessKeyId>{keys.access_key}</AccessKeyId>"
            f"<SecretAccessKey>{keys.secret_key}</SecretAccessKey><Expiration>{end}</Expiration></Credentials>"
            f"</{action}Result></{action}Response>"
        )

    def is_signed(self, body):
        authorization = self.headers.get("authorization", "")
        try:
            fields = dict(field.split("=", 1) for field in authorization.partition(" ")[2].replace(" ", "").split(","))
            access_key, _, region, service, _ = fields["Credential"].split("/")
        except ValueError:
            return False
        names = fields["SignedHeaders"].split(";")
        lines = "".join(f"{name}:{self.headers[name]}\n" for name in names)
        digest = hashlib.sha256(body).hexdigest()
        canonical = "\n".join(["POST", "/", "", lines, fields["SignedHeaders"], digest])
        expected = signature(self.lender.base.secret_key, canonical, self.headers["x-amz-date"], region, service)
        return (access_key, service, fields["Signature"]) == (self.lender.base.access_key, "sts", expected)
