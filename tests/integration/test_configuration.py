"""The configuration file: what it sets, what it refuses, what SIGHUP changes in a running daemon, what explain says."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from harness.compare import check_same_database, consistent_copy
from harness.load import Application, client_id
from harness.manager import Manager, run_manager
from harness.store import FileBucket
from harness.wait import wait_until


class Configured(Manager):
    """A daemon that is told everything by a file."""

    file: Path

    def write(self, text: str, **settings: str) -> None:
        lines = {"watch-dir": json.dumps([str(d) for d in self.watch_dirs]), "bucket": json.dumps(self.bucket.manager_arguments()[1]),
                 "state-dir": json.dumps(str(self.state_dir)), "port": "0", "log-level": '"debug"'} | settings
        self.file.write_text("".join(f"{name} = {value}\n" for name, value in lines.items()) + text)

    def command(self) -> list[str]:
        return [str(self.binary), "-config", str(self.file), *self.arguments]

    def reload(self, said: str) -> str:
        """SIGHUP, and the log since then once it says `said`."""
        start = len(self.log_text())
        os.kill(self.pid, signal.SIGHUP)
        return wait_until(lambda: said in self.log_text()[start:] and self.log_text()[start:], 20, f"log says {said!r}")

    def notices(self) -> list[str]:
        return self.status()["notices"]


@pytest.fixture
def manager(clients: Path, file_bucket: FileBucket, folder: Path, request: pytest.FixtureRequest) -> Any:
    made = Configured([clients], file_bucket, folder / "state", folder / "manager.log")
    made.file = folder / "lm.toml"
    made.write("")
    yield made
    made.kill()


def stored(manager: Manager, application: Application) -> dict[str, Any]:
    return manager.wait_stored([application.client_id])[application.client_id]


def test_a_file_is_enough_and_sighup_changes_interval_and_log_level(manager, make_application):
    application = make_application(1)
    application.write(3)
    manager.write("", **{"sync-interval": '"24h"'})
    manager.start()
    first = stored(manager, application)
    application.write(3)
    behind = wait_until(lambda: (c := manager.client(application.client_id)) and c["behind"] and c, 20, "commits are captured")
    assert behind["txid"] == first["txid"], "they wait for the interval"
    manager.write("", **{"sync-interval": '"10ms"'})
    said = manager.reload("configuration read again")
    assert "setting changed name=sync-interval before=24h after=10ms" in said
    assert stored(manager, application)["txid"] > first["txid"]

    manager.write("", **{"sync-interval": '"10ms"', "log-level": '"info"'})
    manager.reload("configuration read again")
    quiet_from = len(manager.log_text())
    application.write(3)
    stored(manager, application)
    assert " debug " not in manager.log_text()[quiet_from:]
    manager.write("", **{"sync-interval": '"10ms"', "log-format": '"json"'})
    manager.reload('"configuration read again"')
    assert manager.stop() == 0


def test_a_broken_file_at_sighup_changes_nothing_and_is_shown(manager, make_application):
    application = make_application(1)
    application.write(3)
    manager.start()
    manager.file.write_text("sync-interval = \"24h\"\nlog-level = \"error\"\nprot = 1\nlog-format = \"xml\"\n")
    said = manager.reload("log-format")
    assert f"{manager.file}:3:1" in said and "did you mean port?" in said and f"{manager.file}:4:1" in said
    assert [n for n in manager.notices() if "could not be read again" in n and f"{manager.file}:3:1" in n]
    application.write(3)
    stored(manager, application)  # within the test's patience: the interval is still a second
    assert " debug " in manager.log_text(), "and the log level what it was"
    manager.file.unlink()
    manager.reload("there is no such file")
    manager.write("")
    manager.reload("configuration read again")
    assert not manager.notices()
    assert manager.stop() == 0


def test_what_needs_a_restart_is_named_and_not_done(manager, folder, make_application):
    application = make_application(1)
    application.write(3)
    manager.start()
    stored(manager, application)
    manager.write("", bucket=json.dumps(f"file://{folder}/another-bucket"), port="1")
    said = manager.reload("configuration read again")
    for name in ("bucket", "port"):
        assert f"restart to apply it name={name}" in said
    assert [n for n in manager.notices() if "restart" in n and "bucket, port" in n]
    application.write(3)
    stored(manager, application)
    assert not (folder / "another-bucket").exists()
    assert manager.stop() == 0


def test_a_directory_is_added_and_single_clients_are_paused_and_go_on(manager, clients, folder, make_application):
    application, other = make_application(1), make_application(2)
    application.write(3)
    other.write(3)
    more = folder / "more"
    more.mkdir()
    added = Application(more, 3)
    added.write(3)
    manager.start()
    before = manager.wait_stored([application.client_id, other.client_id])
    block = f'[[client]]\nmatch = "{client_id(1)}.*"\npaused = true\n'
    manager.write(block, **{"watch-dir": json.dumps([str(clients), str(more)])})
    manager.reload("configuration read again")
    manager.wait_state(application.client_id, "paused")
    stored(manager, added)
    application.write(5)
    other.write(5)
    assert stored(manager, other)["txid"] > before[other.client_id]["txid"]
    paused = manager.client(application.client_id)
    assert paused and paused["state"] == "paused" and paused["txid"] == before[application.client_id]["txid"]
    manager.write("", **{"watch-dir": json.dumps([str(clients), str(more)])})
    manager.reload("configuration read again")
    stored(manager, application)
    assert manager.stop() == 0
    source = consistent_copy(application.database, folder / "source.db")
    output = folder / "out.db"
    done = run_manager("restore", application.client_id, "-config", str(manager.file), "-o", str(output))
    assert done.returncode == 0, done.stderr
    check_same_database(source, output)


def test_sighup_without_a_file_ends_the_daemon_in_order(file_bucket, make_manager, make_application):
    application = make_application(1)
    application.write(3)
    manager = make_manager(file_bucket).start()
    stored(manager, application)
    os.kill(manager.pid, signal.SIGHUP)
    assert manager.wait_exit(40) == 0


@pytest.mark.parametrize("arguments", [(), ("explain",), ("restore", client_id(1), "-o", "/nowhere/out.db")],
                         ids=["daemon", "explain", "restore"])
def test_every_mistake_of_a_file_is_named_and_ends_with_2(arguments, folder):
    file = folder / "lm.toml"
    file.write_text('bukket = "b"\nport = "80"\nsync-interval = "0s"\naws-secret-access-key = "hunter2"\n')
    done = run_manager(*arguments, "-config", str(file), timeout=10)
    assert done.returncode == 2
    for line, said in enumerate(("did you mean bucket?", "write port = 8080", "1ms to 24h", "AWS_SECRET_ACCESS_KEY"), 1):
        assert f"{file}:{line}:1: " in done.stderr and said in done.stderr
    assert "hunter2" not in done.stderr + done.stdout


def test_a_file_that_is_not_there_ends_with_2(folder):
    done = run_manager("-config", str(folder / "gone.toml"), timeout=10)
    assert done.returncode == 2 and "there is no such file" in done.stderr and "-config" in done.stderr


def test_explain_shows_value_origin_and_what_was_overridden(manager, clients, make_application):
    (clients / "acme").mkdir()
    application = Application(clients / "acme", 7)
    application.write(1)
    manager.write('[[client]]\nmatch = "*"\nsync-interval = "3s"\n[[client]]\nmatch = "acme/*"\npaused = true\n',
                  **{"sync-interval": '"2s"'})
    file = str(manager.file)
    done = run_manager("explain", "-json", "-config", file, "-sync-interval=5s")
    assert done.returncode == 0, done.stderr
    settings = {s["name"]: s for s in json.loads(done.stdout)["settings"]}
    assert settings["sync-interval"]["value"] == "5s" and settings["sync-interval"]["origin"] == "-sync-interval"
    assert settings["sync-interval"]["insteadOf"][0] == {"value": "2s", "origin": f"{file}:6:1"}
    assert settings["shutdown-timeout"] == {"name": "shutdown-timeout", "value": "30s", "type": "duration", "range": "0s to 1h",
                                            "origin": "default", "effect": "reload", "insteadOf": []}
    one = json.loads(run_manager("explain", application.client_id, "-json", "-config", file).stdout)
    assert one["client"]["path"] == f"acme/{application.client_id}.db"
    settings = {s["name"]: s for s in one["settings"]}
    assert settings["sync-interval"]["value"] == "3s" and settings["sync-interval"]["origin"].startswith(f"{file}:9:1 ")
    assert settings["paused"]["value"] == "true" and '"acme/*"' in settings["paused"]["origin"]
    text = run_manager("explain", "-config", file, "-sync-interval=5s").stdout
    assert "instead of 2s from" in text
    incomplete = run_manager("explain")
    assert incomplete.returncode == 2 and "8080" in incomplete.stdout and "-bucket is missing" in incomplete.stderr


def test_the_environment_stands_between_file_and_flags(manager):
    environment = {"LITESTREAM_MANAGER_CONFIG": str(manager.file), "LITESTREAM_MANAGER_LOG_LEVEL": "warn"}
    bucket = FileBucket(Path("/nowhere"))
    bucket.environment = lambda: environment  # type: ignore[method-assign]
    done = run_manager("explain", "-json", bucket=bucket)
    assert done.returncode == 0, done.stderr
    settings = {s["name"]: s for s in json.loads(done.stdout)["settings"]}
    assert settings["log-level"]["value"] == "warn" and settings["log-level"]["origin"] == "LITESTREAM_MANAGER_LOG_LEVEL"
    assert settings["config"]["origin"] == "LITESTREAM_MANAGER_CONFIG"
    environment["LITESTREAM_MANAGER_LOG_LEVLE"] = "info"
    slip = run_manager("explain", bucket=bucket)
    assert slip.returncode == 2 and "did you mean LITESTREAM_MANAGER_LOG_LEVEL?" in slip.stderr


def test_the_sample_is_a_file_that_the_daemon_takes(folder, file_bucket, clients):
    file = folder / "sample.toml"
    file.write_text(run_manager("explain", "-sample").stdout)
    arguments = ("-config", str(file), "-watch-dir", str(clients), *file_bucket.manager_arguments())
    with_sample = json.loads(run_manager("explain", "-json", *arguments).stdout)
    without = json.loads(run_manager("explain", "-json", *arguments[2:]).stdout)
    values = [{s["name"]: s["value"] for s in e["settings"] if s["name"] != "config"} for e in (with_sample, without)]
    assert values[0] == values[1]
