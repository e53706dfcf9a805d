"""Calls the HTTP API with Python's standard library alone, signed with SDK-HMAC-SHA256.

    API_ENDPOINT=https://… API_KEY=… API_SECRET=… python3 snapshots.py GET '/snapshots?size=5'
    … python3 snapshots.py POST /snapshots '{"input": {"bucket": "videos", "object": "uploads/sample.mp4"}}'

API_KEY and API_SECRET are those of a caller (`npm run callers`; authentication APP) or an access key (IAM).
"""

import hashlib
import hmac
import os
import sys
import urllib.error
import urllib.request
from datetime import datetime, timezone
from urllib.parse import parse_qsl, quote, unquote, urlsplit


def sign(method, url, body, key, secret, now):
    """The URL to ask for and the headers that prove who asks (API Gateway developer guide, "Signing algorithm")."""
    parts = urlsplit(url)
    date = now.strftime("%Y%m%dT%H%M%SZ")
    path = quote(unquote(parts.path), safe="/~")
    pairs = sorted(parse_qsl(parts.query, keep_blank_values=True))
    query = "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in pairs)
    lines = [
        method,
        path if path.endswith("/") else path + "/",
        query,
        f"host:{parts.netloc}",
        f"x-sdk-date:{date}",
        "",
        "host;x-sdk-date",
        hashlib.sha256(body).hexdigest(),
    ]
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    to_sign = f"SDK-HMAC-SHA256\n{date}\n{digest}"
    signature = hmac.new(secret.encode(), to_sign.encode(), hashlib.sha256).hexdigest()
    proof = f"SDK-HMAC-SHA256 Access={key}, SignedHeaders=host;x-sdk-date, Signature={signature}"
    target = f"{parts.scheme}://{parts.netloc}{path}" + (f"?{query}" if query else "")
    return target, {"X-Sdk-Date": date, "Authorization": proof, "Content-Type": "application/json"}


def call(method, target, text=""):
    """One signed call; the status and the text of the answer."""
    url, body = os.environ["API_ENDPOINT"] + target, text.encode()
    credentials = os.environ["API_KEY"], os.environ["API_SECRET"]
    url, headers = sign(method, url, body, *credentials, datetime.now(timezone.utc))
    request = urllib.request.Request(url, data=body or None, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=45) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


if __name__ == "__main__":
    status, answer = call(*sys.argv[1:])
    print(status, answer)
    sys.exit(0 if status < 400 else 1)
