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
        now = datetime.now(timezone.utc)
        day, stamp = now.strftime("%Y%m%d"), now.strftime("%Y%m%dT%H%M%SZ")
        digest = hashlib.sha256(body).hexdigest()
        headers = {name.lower(): value for name, value in extra.items()}
        headers |= {"host": self._host, "x-amz-date": stamp, "x-amz-content-sha256": digest}
        names = ";".join(sorted(headers))
        canonical = "\n".join([method, path, query, *(f"{n}:{headers[n].strip()}" for n in sorted(headers)), "",
                               names, digest])
        scope = f"{day}/{self.account.region}/s3/aws4_request"
        text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
        key = ("AWS4" + self.account.secret_key).encode()
        for part in (day, self.account.region, "s3", "aws4_request"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        headers["authorization"] = (f"AWS4-HMAC-SHA256 Credential={self.account.access_key}/{scope}, "
                                    f"SignedHeaders={names}, Signature={signature}")
        return headers

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
