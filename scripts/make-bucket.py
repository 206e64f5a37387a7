#!/usr/bin/env python3
"""Creates buckets, with nothing but the standard library.

    scripts/make-bucket.py BUCKET...

Takes AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION from the environment. A bucket that is
ours already is fine. For the demo, the tests and the benchmarks: path style, long-lived keys only.
"""

import datetime
import hashlib
import hmac
import http.client
import os
import sys
import time
import urllib.parse

EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()
DEADLINE_SECONDS = 30


def signed_headers(method, host, path, region, key_id, secret, now):
    """Signature V4 of a request without query and body."""
    stamp = now.strftime("%Y%m%dT%H%M%SZ")
    scope = f"{stamp[:8]}/{region}/s3/aws4_request"
    headers = {"host": host, "x-amz-content-sha256": EMPTY_SHA256, "x-amz-date": stamp}
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    canonical = f"{method}\n{path}\n\n{lines}\n{names}\n{EMPTY_SHA256}"
    to_sign = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = b"AWS4" + secret.encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
    headers["authorization"] = f"AWS4-HMAC-SHA256 Credential={key_id}/{scope}, SignedHeaders={names}, Signature={signature}"
    return headers


def put_bucket(endpoint, bucket, region, key_id, secret):
    """One attempt: (status, body)."""
    connect = http.client.HTTPSConnection if endpoint.scheme == "https" else http.client.HTTPConnection
    connection = connect(endpoint.netloc, timeout=10)
    path = "/" + urllib.parse.quote(bucket, safe="")
    now = datetime.datetime.now(datetime.timezone.utc)
    try:
        headers = signed_headers("PUT", endpoint.netloc, path, region, key_id, secret, now)
        connection.request("PUT", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def make_bucket(endpoint, bucket, region, key_id, secret):
    """Tries again while the server cannot be reached or is not ready. Returns None, or what is wrong."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        try:
            status, body = put_bucket(endpoint, bucket, region, key_id, secret)
        except (OSError, http.client.HTTPException) as error:
            problem = str(error)
        else:
            if status == 200 or (status == 409 and b"BucketAlreadyOwnedByYou" in body):
                return None
            problem = f"answered {status} {body.decode(errors='replace').strip()}"
            if status < 500:
                return problem
        if time.monotonic() > deadline:
            return problem
        time.sleep(0.2)


def main():
    if len(sys.argv) < 2:
        print(__doc__.strip(), file=sys.stderr)
        return 64
    try:
        endpoint = urllib.parse.urlsplit(os.environ["AWS_ENDPOINT_URL"])
        key_id, secret = os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]
    except KeyError as error:
        print(f"make-bucket: {error.args[0]} is not set", file=sys.stderr)
        return 64
    for bucket in sys.argv[1:]:
        problem = make_bucket(endpoint, bucket, os.environ.get("AWS_REGION", "us-east-1"), key_id, secret)
        if problem:
            print(f"make-bucket: {bucket}: {problem}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
