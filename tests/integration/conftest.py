"""Fixtures: a folder, a store and a daemon of its own for each test. Everything a failed test wrote stays for reading."""

import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.load import Application, kill_all
from harness.manager import Manager
from harness.recorder import Recorder
from harness.s3 import S3Account
from harness.store import Bucket, FileBucket, S3Bucket


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    report = yield
    setattr(item, f"report_{report.when}", report)
    return report


@pytest.fixture
def folder(request: pytest.FixtureRequest) -> Iterator[Path]:
    """Short and readable for everybody: some tests run the daemon as another user. Kept if the test fails."""
    path = Path(tempfile.mkdtemp(prefix="lm-", dir=os.environ.get("LM_TEST_FOLDER")))
    path.chmod(0o755)
    yield path
    report = getattr(request.node, "report_call", None)
    if report is None or report.failed:
        report and report.sections.append(("files kept", str(path)))
        for log in path.glob("*.log"):
            tail = log.read_bytes()[-6000:].decode(errors="replace")
            print(f"--- {log} (end)\n{tail}")
    else:
        shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def s3_account() -> S3Account:
    try:
        return S3Account(os.environ["LM_S3_ENDPOINT"], os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"],
                         os.environ.get("AWS_REGION", "us-east-1"))
    except KeyError as missing:
        raise RuntimeError(f"{missing} is not set: run the tests by tests/integration/run") from None


@pytest.fixture
def s3_bucket(s3_account: S3Account) -> S3Bucket:
    bucket = S3Bucket(s3_account, f"it-{uuid.uuid4().hex[:12]}")
    bucket.create()
    return bucket


@pytest.fixture
def recorder(s3_account: S3Account) -> Iterator[Recorder]:
    made = Recorder(s3_account.endpoint)
    yield made
    made.close()


@pytest.fixture
def fragile_bucket(s3_bucket: S3Bucket, s3_account: S3Account, recorder: Recorder) -> S3Bucket:
    """The same bucket as s3_bucket, reached through a proxy that notes requests and can fail."""
    return S3Bucket(s3_account, s3_bucket.name, recorder.endpoint)


@pytest.fixture
def file_bucket(folder: Path) -> FileBucket:
    bucket = FileBucket(folder / "bucket")
    bucket.create()
    return bucket


@pytest.fixture
def bucket(request: pytest.FixtureRequest) -> Bucket:
    """Chosen by indirect parameters: "s3" or "file"."""
    return request.getfixturevalue(f"{request.param}_bucket")


@pytest.fixture
def clients(folder: Path) -> Path:
    path = folder / "clients"
    path.mkdir()
    return path


@pytest.fixture
def make_manager(folder: Path, clients: Path) -> Iterator[Callable[..., Manager]]:
    """make_manager(bucket, ...): not started yet. Whatever still runs at the test's end is killed."""
    made: list[Manager] = []

    def make(bucket: Bucket, *, watch_dirs: list[Path] | None = None, name: str = "manager", **options: Any) -> Manager:
        made.append(Manager(watch_dirs or [clients], bucket, options.pop("state_dir", folder / f"{name}-state"),
                            folder / f"{name}.log", **options))
        return made[-1]

    yield make
    for manager in made:
        manager.save_status()
        manager.kill()


@pytest.fixture
def make_application(clients: Path) -> Iterator[Callable[..., Application]]:
    """make_application(number, **spec): a writer, not started yet, killed at the test's end."""
    made: list[Application] = []

    def make(number: int, name: str = "rows", *, inside: Path | None = None, **spec: Any) -> Application:
        made.append(Application(inside or clients, number, name, **spec))
        return made[-1]

    yield make
    kill_all(made)
