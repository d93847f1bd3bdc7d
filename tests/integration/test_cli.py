"""The command line: wrong usage ends with 2 and says how to mend it, other failures with the documented codes."""

import os
import subprocess

import pytest

from harness.compare import check_same_database, consistent_copy
from harness.load import client_id
from harness.manager import run_manager
from harness.s3 import S3Account
from harness.settings import clean_environment, litestream_binary, manager_binary
from harness.store import FileBucket, S3Bucket

WRONG_USAGE = [
    ((), "watch-dir"),
    (("-watch-dir", "{clients}"), "bucket"),
    (("-bucket", "file://{folder}/bucket"), "watch-dir"),
    (("-watch-dir", "{clients}", "-bucket", "file://{folder}/bucket", "-port", "70000"), "port"),
    (("-watch-dir", "{clients}", "-bucket", "file://{folder}/bucket", "-port", "http"), "port"),
    (("-watch-dir", "{clients}", "-bucket", "file://{folder}/bucket", "-sync-interval", "fast"), "sync-interval"),
    (("-watch-dir", "{clients}", "-bucket", ""), "bucket"),
    (("-watch-dir", "", "-bucket", "file://{folder}/bucket"), "watch-dir"),
    (("-watch-dir", "{clients},,{folder}", "-bucket", "file://{folder}/bucket"), "watch-dir"),
    (("-watch-dir", "{clients}", "-bucket", "file://{folder}/bucket", "-log-level", "loud"), "log-level"),
    (("-watch-dir", "{clients}", "-bucket", "file://{folder}/bucket", "-watch-dri", "x"), "watch-dir"),
    (("-watch-dir",), "watch-dir"),
    (("frobnicate",), "frobnicate"),
    (("restore",), "restore"),
    (("restore", "{guid}", "-bucket", "file://{folder}/bucket"), "-o"),
]


@pytest.mark.parametrize("arguments, named", WRONG_USAGE, ids=[" ".join(a) or "nothing" for a, _ in WRONG_USAGE])
def test_wrong_usage_ends_with_2_and_names_the_mistake(arguments, named, folder, clients):
    values = {"folder": folder, "clients": clients, "guid": client_id(1)}
    done = run_manager(*(a.format(**values) for a in arguments), timeout=10)
    assert done.returncode == 2, done
    assert named in done.stderr and not done.stdout


@pytest.mark.parametrize("spelling", ["-version", "--version", "version"])
def test_the_version_is_printed(spelling):
    done = run_manager(spelling)
    assert done.returncode == 0 and "litestream-manager" in done.stdout and "SQLite" in done.stdout


@pytest.mark.parametrize("spelling", ["-help", "--help", "help", "-h"])
def test_help_goes_to_standard_output(spelling):
    done = run_manager(spelling)
    assert done.returncode == 0
    for flag in ("-watch-dir", "-bucket", "-port", "restore"):
        assert flag in done.stdout


def test_a_taken_port_is_an_error_that_names_the_flag(file_bucket, clients, folder, make_manager):
    first = make_manager(file_bucket).start()
    port = first.address.rpartition(":")[2]
    done = run_manager("-watch-dir", str(clients), *file_bucket.manager_arguments(), "-port", port, "-state-dir",
                       str(folder / "other-state"), timeout=20)
    assert done.returncode == 1
    assert port in done.stderr and "-port" in done.stderr


def test_double_dashes_and_equals_signs_mean_the_same(file_bucket, clients, folder, make_manager):
    manager = make_manager(file_bucket, arguments=("--sync-interval=500ms", "--log-format", "json"))
    assert manager.start().status()["totalClients"] == 0
    assert manager.stop() == 0


def test_restoring_what_does_not_exist_ends_with_3(file_bucket, folder):
    done = run_manager("restore", client_id(1), "-o", str(folder / "out.db"), *file_bucket.manager_arguments())
    assert done.returncode == 3
    assert client_id(1) in done.stderr and not (folder / "out.db").exists()


def test_restore_by_id_and_by_address_and_never_over_a_file(file_bucket, folder, make_manager, make_application):
    application = make_application(1, work="mixed")
    application.write(20)
    manager = make_manager(file_bucket).start()
    manager.wait_stored([application.client_id])
    assert manager.stop() == 0
    source = consistent_copy(application.database, folder / "source.db")
    output = folder / "out.db"
    store = file_bucket.manager_arguments()

    assert run_manager("restore", application.client_id, "-o", str(output), *store).returncode == 0
    check_same_database(source, output)
    before = output.stat()
    again = run_manager("restore", application.client_id, "-o", str(output), *store)
    assert again.returncode in (1, 5) and "-force" in again.stderr
    assert output.stat().st_ino == before.st_ino and output.stat().st_mtime_ns == before.st_mtime_ns
    assert run_manager("restore", application.client_id, "-o", str(output), "-force", *store).returncode == 0
    check_same_database(source, output)
    by_address = folder / "by-address.db"
    done = run_manager("restore", file_bucket.manager_url(application.client_id), "-o", str(by_address))
    assert done.returncode == 0, done.stderr
    check_same_database(source, by_address)
    assert sorted(p.name for p in folder.glob("*.db*")) == ["by-address.db", "out.db", "source.db"]


def test_a_damaged_backup_is_refused_with_4_and_leaves_nothing(file_bucket, folder, make_manager, make_application):
    application = make_application(1, work="mixed")
    application.write(20)
    manager = make_manager(file_bucket).start()
    manager.wait_stored([application.client_id])
    assert manager.stop() == 0
    damaged = file_bucket.ltx_objects(application.client_id)[0]
    path = file_bucket.root / damaged.key
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x40
    path.write_bytes(content)
    done = run_manager("restore", application.client_id, "-o", str(folder / "out.db"), *file_bucket.manager_arguments())
    assert done.returncode == 4, done
    assert damaged.key in done.stderr
    assert not list(folder.glob("out.db*"))


def test_no_secret_is_ever_printed(s3_account, s3_bucket, folder, make_manager, make_application):
    application = make_application(1)
    application.write(3)
    manager = make_manager(s3_bucket).start()
    manager.wait_stored([application.client_id])
    pages = [manager.get(path).decode() for path in ("/api/status", "/metrics", "/")]
    assert manager.stop() == 0
    assert not [text for text in (manager.log_text(), *pages) if s3_account.secret_key in text]
    refused_account = S3Account(s3_account.endpoint, s3_account.access_key, "wrong-" + s3_account.secret_key)
    refused = S3Bucket(refused_account, s3_bucket.name)
    done = run_manager("restore", application.client_id, "-o", str(folder / "out.db"), *refused.manager_arguments(),
                       bucket=refused)
    assert done.returncode == 1 and s3_account.secret_key not in done.stderr + done.stdout


@pytest.mark.parametrize("kind", ["s3", "s3 with odd prefix", "file", "file, relative", "file with odd name"])
def test_the_restore_commands_that_are_shown_work_as_they_stand(kind, clients, folder, request, make_manager, make_application):
    """Both of them, in a shell in another directory, with nothing but the credentials in the environment."""
    if kind.startswith("s3"):
        bucket = request.getfixturevalue("s3_bucket")
        arguments = bucket.manager_arguments()
        arguments[1] = f"s3://{bucket.name}" + ("/a b+%41's" if "odd" in kind else "")
    else:
        directory = folder / ("büc \"k'et\\n%" if "odd" in kind else "bucket")
        bucket = FileBucket(directory)
        arguments = ["-bucket", f"file:{os.path.relpath(directory)}" if "relative" in kind else f"file://{directory}"]
    bucket.manager_arguments = lambda: arguments
    application = make_application(1)
    application.write(20)
    manager = make_manager(bucket).start()
    shown = manager.wait_stored([application.client_id])[application.client_id]
    source = consistent_copy(application.database, folder / "source.db")
    requests = manager.status()["requests"]
    assert requests["failed"] == 0, "the refusal that the probe at start wants to see is no failure"
    assert requests["refused"] == 1
    programs = os.pathsep.join([str(manager_binary().parent), str(litestream_binary().parent), os.environ["PATH"]])
    account = {k: v for k, v in bucket.environment().items() if "REGION" not in k and "ENDPOINT" not in k}
    for field in ("restoreCommand", "litestreamCommand"):
        place = folder / field
        place.mkdir()
        done = subprocess.run(["sh", "-c", shown[field]], cwd=place, env=clean_environment() | account | {"PATH": programs},
                              capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, f"{shown[field]}: {done.stderr}{done.stdout}"
        check_same_database(source, place / f"{application.client_id}.db")
    assert manager.stop() == 0
