"""A small S3 client with the standard library only, independent of the code under test: what the judge sees of a bucket."""

import hashlib
import hmac
import http.client
import urllib.parse
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from datetime import datetime, timezone

NAMESPACE = {"s3": "http://s3.amazonaws.com/doc/2006-03-01/"}


@dataclass(frozen=True)
class S3Account:
    """How to reach a server. `endpoint` is http://host:port."""

    endpoint: str
    access_key: str
    secret_key: str
    region: str = "us-east-1"

    def environment(self) -> dict[str, str]:
        return {"AWS_ACCESS_KEY_ID": self.access_key, "AWS_SECRET_ACCESS_KEY": self.secret_key,
                "AWS_REGION": self.region}


def sign(account: S3Account, host: str, method: str, path: str, query: str, body: bytes,
         extra: dict[str, str]) -> dict[str, str]:
    """Signature version 4, of this moment: `extra` and what it adds. Path and query are encoded, the query is sorted."""
    now = datetime.now(timezone.utc)
    day, stamp = now.strftime("%Y%m%d"), now.strftime("%Y%m%dT%H%M%SZ")
    digest = hashlib.sha256(body).hexdigest()
    headers = {name.lower(): value for name, value in extra.items()}
    headers |= {"host": host, "x-amz-date": stamp, "x-amz-content-sha256": digest}
    names = ";".join(sorted(headers))
    canonical = "\n".join([method, path, query, *(f"{n}:{headers[n].strip()}" for n in sorted(headers)), "", names, digest])
    scope = f"{day}/{account.region}/s3/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = ("AWS4" + account.secret_key).encode()
    for part in (day, account.region, "s3", "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    headers["authorization"] = (f"AWS4-HMAC-SHA256 Credential={account.access_key}/{scope}, "
                                f"SignedHeaders={names}, Signature={signature}")
    return headers


def signed_anew(account: S3Account, head: bytes, body: bytes) -> bytes:
    """The head of a request as if it had been signed at this moment: for a program whose clock says another time than the
    server's, which takes nothing that is a quarter of an hour off."""
    request, *lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    method, target, version = request.split(" ")
    sent = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    path, _, query = target.partition("?")
    canonical_query = "&".join(sorted(part if "=" in part else part + "=" for part in query.split("&") if part))
    amazons = {name: value for name, value in sent.items() if name.startswith("x-amz-")}
    sent |= sign(account, sent["host"], method, path, canonical_query, body, amazons)
    return "\r\n".join([f"{method} {target} {version}", *(f"{n}: {v}" for n, v in sent.items()), "", ""]).encode("latin-1")


class S3Error(RuntimeError):
    def __init__(self, status: int, body: bytes):
        super().__init__(f"S3 answered {status}: {body[:300]!r}")
        self.status = status


class S3Client:
    """One request per call on one kept connection. Not for use by several threads at once."""

    def __init__(self, account: S3Account):
        self.account = account
        address = urllib.parse.urlsplit(account.endpoint)
        assert address.hostname is not None
        self._host = address.netloc
        self._connection = http.client.HTTPConnection(address.hostname, address.port or 80, timeout=30)

    def request(self, method: str, path: str, query: dict[str, str] | None = None, body: bytes = b"",
                headers: dict[str, str] | None = None) -> tuple[dict[str, str], bytes]:
        """Signs and sends. Returns headers (lower case) and body; raises S3Error for any answer but 2xx."""
        encoded_path = urllib.parse.quote(path, safe="/-_.~")
        encoded_query = "&".join(f"{urllib.parse.quote(k, safe='-_.~')}={urllib.parse.quote(v, safe='-_.~')}"
                                 for k, v in sorted((query or {}).items()))
        signed = self._sign(method, encoded_path, encoded_query, body, headers or {})
        target = encoded_path + ("?" + encoded_query if encoded_query else "")
        try:
            self._connection.request(method, target, body=body, headers=signed)
            answer = self._connection.getresponse()
            content = answer.read()
        except (http.client.HTTPException, OSError):
            self._connection.close()
            raise
        if not 200 <= answer.status < 300:
            raise S3Error(answer.status, content)
        return {name.lower(): value for name, value in answer.getheaders()}, content

    def _sign(self, method: str, path: str, query: str, body: bytes, extra: dict[str, str]) -> dict[str, str]:
        return sign(self.account, self._host, method, path, query, body, extra)

    def create_bucket(self, bucket: str) -> None:
        self.request("PUT", f"/{bucket}")

    def get(self, bucket: str, key: str) -> bytes:
        return self.request("GET", f"/{bucket}/{key}")[1]

    def put(self, bucket: str, key: str, body: bytes) -> None:
        self.request("PUT", f"/{bucket}/{key}", body=body)

    def list(self, bucket: str, prefix: str) -> list[tuple[str, int, str]]:
        """(key, bytes, etag and time of writing) of every object below `prefix`, in key order."""
        found, token = [], None
        while True:
            query = {"list-type": "2", "prefix": prefix} | ({"continuation-token": token} if token else {})
            root = ElementTree.fromstring(self.request("GET", f"/{bucket}", query)[1])
            for item in root.findall("s3:Contents", NAMESPACE):
                text = {name: item.findtext(f"s3:{name}", "", NAMESPACE)
                        for name in ("Key", "Size", "ETag", "LastModified")}
                found.append((text["Key"], int(text["Size"]), text["ETag"] + " " + text["LastModified"]))
            token = root.findtext("s3:NextContinuationToken", "", NAMESPACE)
            if not token:
                return found
