"""The stock Litestream as a running replicator: the subject of the harness's own tests, and the other side of benchmarks."""

import json
import signal
import subprocess
from pathlib import Path
from typing import Any

from harness.settings import clean_environment, litestream_binary
from harness.store import Bucket, FileBucket


class Litestream:
    """`litestream replicate` with a configuration of many databases. `settings` are per replica or per database; the empty
    dictionaries give its defaults: monitor-interval 1s, sync-interval 1s."""

    def __init__(self, databases: list[Path], bucket: Bucket, folder: Path, *, replica: dict[str, Any] | None = None,
                 database: dict[str, Any] | None = None):
        self.bucket = bucket
        self.config, self.log = folder / "litestream.json", folder / "litestream.log"
        entries = [{"path": str(path), **(database or {}), "replica": self._replica(path.stem) | (replica or {})}
                   for path in databases]
        # JSON is YAML.
        self.config.write_text(json.dumps({"dbs": entries}))
        self.process: subprocess.Popen[bytes] | None = None

    def _replica(self, client_id: str) -> dict[str, Any]:
        if isinstance(self.bucket, FileBucket):
            return {"type": "file", "path": str(self.bucket.root / "databases" / client_id)}
        return {"type": "s3", "bucket": self.bucket.name, "path": f"databases/{client_id}", "force-path-style": True,
                "endpoint": self.bucket.endpoint, "region": self.bucket.account.region}

    def start(self) -> "Litestream":
        with self.log.open("ab") as output:
            self.process = subprocess.Popen([str(litestream_binary()), "replicate", "-config", str(self.config)],
                                            stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                            env=clean_environment() | self.bucket.environment())
        return self

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def stop(self, timeout: float = 60) -> int:
        """SIGINT makes it store what is left; SIGTERM does the same in this version."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
