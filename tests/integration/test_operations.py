"""The API of long operations: restores to a path and as a download, verifications, cancelling, and who may ask."""

import json
import sqlite3
import stat
import subprocess
import urllib.error
import urllib.request

import pytest

from harness.load import client_id
from harness.machine import Fault, Machine
from harness.wait import wait_until

BOTH = pytest.mark.parametrize("bucket", ["s3", "file"], indirect=True)
FILE = pytest.mark.parametrize("bucket", ["file"], indirect=True)


def rows(path):
    with sqlite3.connect(f"file:{path}?immutable=1", uri=True) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return database.execute("SELECT id, hex(body) FROM t ORDER BY id").fetchall()


class Api:
    """A daemon with one client of some size, and its API."""

    def __init__(self, manager, application):
        self.manager, self.application = manager, application
        self.token_file = manager.state_dir / "api-token"
        self.token = self.token_file.read_text().strip()

    def ask(self, method, path, body=None, token=None, headers=None):
        """(status, headers, body as bytes)"""
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(self.manager.address + path, data=data, method=method)
        if data is not None:
            request.add_header("Content-Type", "application/json")
        if token is not False:
            request.add_header("Authorization", f"Bearer {token or self.token}")
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()

    def start(self, path, **body):
        status, _, answer = self.ask("POST", path, body)
        assert status == 202, answer
        return json.loads(answer)["id"]

    def operation(self, operation):
        status, _, answer = self.ask("GET", f"/api/operations/{operation}", token=False)
        assert status == 200, answer
        return json.loads(answer)

    def wait_over(self, operation):
        wait_until(lambda: self.operation(operation)["state"] not in ("queued", "running"), 60, "the operation is over")
        return self.operation(operation)

    def expected(self):
        return self.application.execute("SELECT id, hex(body) FROM t ORDER BY id").fetchall()


@pytest.fixture
def api(bucket, clients, make_manager):
    application = sqlite3.connect(clients / f"{client_id(1)}.db", isolation_level=None)
    application.executescript("PRAGMA journal_mode=WAL; CREATE TABLE t(id INTEGER PRIMARY KEY, body)")
    application.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)"
                        " INSERT INTO t(body) SELECT randomblob(3000) FROM n")
    manager = make_manager(bucket, arguments=("-sync-interval", "10ms")).start()
    manager.wait_stored([client_id(1)])
    yield Api(manager, application)
    application.close()


@BOTH
def test_a_restore_to_a_path_is_the_source(api, tmp_path):
    before = api.expected()
    txid = api.manager.client(client_id(1))["txid"]
    api.application.execute("UPDATE t SET body = randomblob(3000) WHERE id <= 500")
    api.manager.wait_stored([client_id(1)])
    over = api.wait_over(api.start("/api/restores", clientId=client_id(1), to=str(tmp_path / "new.db")))
    assert over["state"] == "succeeded", over
    assert rows(tmp_path / "new.db") == api.expected()
    assert over["progress"]["bytesDone"] == over["progress"]["bytesTotal"] > 9_000_000
    assert over["result"]["txid"] > txid and over["result"]["path"] == str(tmp_path / "new.db")

    over = api.wait_over(api.start("/api/restores", clientId=client_id(1), to=str(tmp_path / "old.db"), txid=txid))
    assert over["state"] == "succeeded", over
    assert rows(tmp_path / "old.db") == before != api.expected()

    status, _, answer = api.ask("POST", "/api/restores", {"clientId": client_id(1), "to": str(tmp_path / "new.db")})
    assert status == 409 and b"exists already" in answer
    assert sorted(path.name for path in tmp_path.glob("*.db*")) == ["new.db", "old.db"]


@BOTH
def test_a_download_is_the_source_and_goes_with_the_daemon(api, tmp_path):
    operation = api.start("/api/restores", clientId=client_id(1), download=True)
    over = api.wait_over(operation)
    assert over["state"] == "succeeded" and over["result"]["fileAvailable"], over
    made = api.manager.state_dir / "downloads" / f"{operation}.db"
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    status, headers, body = api.ask("POST", f"/api/operations/{operation}/file", f"token={api.token}".encode(), token=False,
                                    headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert status == 200
    assert headers["Content-Disposition"] == \
        f'attachment; filename="{client_id(1)}-{over["result"]["txidHex"]}.db"'
    (tmp_path / "download.db").write_bytes(body)
    assert rows(tmp_path / "download.db") == api.expected()
    # As the README has it.
    subprocess.run(["curl", "-fsS", "-o", tmp_path / "curl.db", "-H", f"Authorization: Bearer {api.token}",
                    f"{api.manager.address}/api/operations/{operation}/file"], check=True, timeout=60)
    assert (tmp_path / "curl.db").read_bytes() == body

    api.manager.stop()
    token = api.token_file.read_text()
    api.manager.start()
    assert not made.exists()
    assert api.token_file.read_text() == token, "scripts go on with it"


@FILE
def test_a_verification_is_recorded_like_a_drill(api):
    over = api.wait_over(api.start("/api/verifications", clientId=client_id(1)))
    assert over["state"] == "succeeded" and over["result"]["verdict"] == "ok" and over["result"]["sourceEqual"], over
    assert api.manager.client(client_id(1))["verification"]["verdict"] == "ok"
    backup = api.manager.bucket.root / "databases" / client_id(1)
    largest = max((path for path in backup.rglob("*.ltx")), key=lambda path: path.stat().st_size)
    damaged = bytearray(largest.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    largest.write_bytes(damaged)
    over = api.wait_over(api.start("/api/verifications", clientId=client_id(1)))
    assert over["state"] == "succeeded" and over["result"]["verdict"] == "failure", over
    assert any(largest.name in (finding["object"] or "") for finding in over["result"]["findings"]), over
    wait_until(lambda: api.manager.client(client_id(1))["verification"]["verdict"] == "failure", 20, "it shows")
    assert any("verification" in notice for notice in api.manager.status()["notices"])


@FILE
def test_what_is_queued_or_runs_is_cancelled_and_leaves_nothing(api, tmp_path):
    many = [api.start("/api/restores", clientId=client_id(1), to=str(tmp_path / f"{n}.db")) for n in range(20)]
    ended = set()
    for operation in reversed(many):
        status, _, answer = api.ask("DELETE", f"/api/operations/{operation}")
        assert status in (200, 409), answer
        ended.add(api.wait_over(operation)["state"])
    assert "cancelled" in ended
    for n, operation in enumerate(many):
        over = api.operation(operation)
        assert over["state"] in ("cancelled", "succeeded"), over
        assert (tmp_path / f"{n}.db").exists() == (over["state"] == "succeeded")
    assert not [path for path in tmp_path.iterdir() if "tmp-" in path.name or "restoring" in path.name]


@FILE
def test_nobody_starts_anything_without_the_token_and_it_is_told_nowhere(api, tmp_path):
    body = {"clientId": client_id(1), "to": str(tmp_path / "x.db")}
    for token in (False, "0" * 64):
        status, headers, answer = api.ask("POST", "/api/restores", body, token=token)
        assert status == 401 and str(api.token_file) in json.loads(answer)["error"]
    assert api.ask("POST", "/api/restores", body, headers={"Origin": "http://evil.example"})[0] == 403
    assert api.ask("POST", "/api/restores", body | {"clientId": "x"})[0] == 400
    assert api.ask("POST", "/api/restores", body | {"at": "someday"})[0] == 400
    assert not (tmp_path / "x.db").exists()
    assert stat.S_IMODE(api.token_file.stat().st_mode) == 0o600
    told = api.ask("GET", "/api/operations")[2] + api.ask("GET", "/api/status")[2] + api.ask("GET", "/metrics")[2]
    assert api.token.encode() not in told
    api.wait_over(api.start("/api/restores", clientId=client_id(1), download=True))
    log = api.manager.log_text()
    assert str(api.token_file) in log and api.token not in log


@FILE
def test_a_stop_ends_an_operation_and_still_stores_the_last_commit(api, tmp_path):
    for n in range(30):
        api.start("/api/restores", clientId=client_id(1), to=str(tmp_path / f"{n}.db"))
    api.application.execute("UPDATE t SET body = 'last' WHERE id = 1")
    assert api.manager.stop() == 0
    finished = len(list(tmp_path.glob("*.db")))
    assert finished < 30, "none was waited for"
    assert not [path for path in tmp_path.iterdir() if "tmp-" in path.name]
    api.manager.start()
    over = api.wait_over(api.start("/api/restores", clientId=client_id(1), to=str(tmp_path / "last.db")))
    assert over["state"] == "succeeded", over
    assert rows(tmp_path / "last.db") == api.expected()


@FILE
def test_a_full_disk_fails_a_download_with_the_reason_and_leaves_nothing(bucket, clients, folder, make_manager):
    with sqlite3.connect(clients / f"{client_id(1)}.db") as application:
        application.executescript("PRAGMA journal_mode=WAL; CREATE TABLE t(id INTEGER PRIMARY KEY, body);"
                                  "INSERT INTO t(body) VALUES (randomblob(3000000))")
    machine = Machine(folder / "machine", clients=clients, state=folder / "manager-state")
    manager = make_manager(bucket, environment=machine.environment).start()
    manager.wait_stored([client_id(1)])
    api = Api(manager, application)
    with machine.failing(Fault.WRITE_STATE):
        over = api.wait_over(api.start("/api/restores", clientId=client_id(1), download=True))
        assert over["state"] == "failed" and "No space left" in over["error"] and "downloads" in over["error"], over
        assert list((manager.state_dir / "downloads").iterdir()) == []
    over = api.wait_over(api.start("/api/restores", clientId=client_id(1), download=True))
    assert over["state"] == "succeeded", over
    application.close()
