"""The dashboard over the real daemon: what a tenant's application does is seen without a reload."""

import os
import shlex
import sqlite3
import subprocess
import uuid
from contextlib import closing
from pathlib import Path

from playwright.sync_api import Locator, Page, Route, expect

from harness.manager import Manager
from harness.wait import wait_until


def write_rows(path: Path, count: int) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE IF NOT EXISTS notes(id INTEGER PRIMARY KEY, text TEXT)")
        for number in range(count):
            database.execute("INSERT INTO notes(text) VALUES (?)", (f"note {number} " + "x" * 2000,))
            database.commit()


def open_details(page: Page, client: str) -> Locator:
    row = page.locator(f"[data-client='{client}']")
    expect(row.locator(".badge")).to_have_text("idle")
    row.get_by_role("button", name="Details").click()
    return page.locator(".detail-row")


def keep_picture(page: Page, name: str) -> None:
    if folder := os.environ.get("LM_SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        for width in (1400, 820, 390):
            page.set_viewport_size({"width": width, "height": 900})
            page.screenshot(path=str(Path(folder) / f"{name}-{width}.png"), full_page=True)
        page.set_viewport_size({"width": 1400, "height": 900})


def no_sideways_scrolling(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


def txid_of(page: Page, client: str) -> int:
    return int(page.locator(f"[data-client='{client}'] td[data-label=TXID]").inner_text().split()[-1])


def test_a_clients_life_is_seen_without_a_reload(daemon: Manager, page: Page, clients_folder: Path) -> None:
    page.goto(daemon.address)
    expect(page.locator("#empty-start")).to_be_visible()
    expect(page.locator("#bucket")).to_contain_text("bucket")
    expect(page.locator("#watch-dirs")).to_contain_text(str(clients_folder))
    page.evaluate("window.neverReloaded = true")

    client = str(uuid.uuid4())
    database = clients_folder / f"{client}.db"
    database.touch()
    row = page.locator(f"[data-client='{client}']")
    expect(row).to_be_visible()
    expect(row.locator(".badge")).to_have_text("waiting")

    write_rows(database, 1)
    expect(row.locator(".badge")).to_have_text("idle")
    expect(row.locator("time")).not_to_have_text("never")
    first = txid_of(page, client)
    assert first >= 1

    write_rows(database, 5)
    wait_until(lambda: txid_of(page, client) > first, 15, "a larger TXID in the row")
    expect(row.locator("td[data-label=Size]")).not_to_have_text("0 B")

    for file in clients_folder.glob(f"{client}.db*"):
        file.unlink()
    expect(row).to_have_count(0)
    expect(page.locator(".tile[data-state=''] .tile-count")).to_have_text("0")
    page.locator(".tile[data-state=removed]").click()
    expect(row.locator(".badge")).to_have_text("removed")
    assert page.evaluate("window.neverReloaded") is True


def test_the_restore_command_that_a_row_copies_restores(daemon: Manager, page: Page, clients_folder: Path,
                                                       tmp_path: Path) -> None:
    client = str(uuid.uuid4())
    write_rows(clients_folder / f"{client}.db", 7)
    page.goto(daemon.address)
    row = page.locator(f"[data-client='{client}']")
    expect(row.locator(".badge")).to_have_text("idle")
    row.get_by_role("button", name="Copy the restore command").click()
    expect(row.get_by_role("button", name="Copy the restore command")).to_have_text("Copied")
    command = shlex.split(page.evaluate("navigator.clipboard.readText()"))
    assert command[0] == "litestream-manager"
    subprocess.run([str(daemon.binary), *command[1:]], cwd=tmp_path, check=True, timeout=60)
    with closing(sqlite3.connect(tmp_path / f"{client}.db")) as restored:
        assert restored.execute("SELECT count(*) FROM notes").fetchone() == (7,)


def test_a_restore_is_started_watched_downloaded_and_still_there_after_a_reload(
        daemon: Manager, page: Page, errors: list[str], clients_folder: Path, tmp_path: Path) -> None:
    client = str(uuid.uuid4())
    write_rows(clients_folder / f"{client}.db", 9)
    page.goto(daemon.address)
    details = open_details(page, client)
    expect(page.locator("#operations")).to_be_hidden()
    details.get_by_role("button", name="Restore…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"sudo cat {daemon.state_dir}/api-token")
    dialog.get_by_label("Token").fill("wrong")
    dialog.get_by_role("button", name="Restore").click()
    expect(dialog.get_by_role("alert")).to_contain_text("not the token")
    keep_picture(page, "dialog")
    assert any("401" in error for error in errors)
    errors.clear()
    dialog.get_by_label("Token").fill((daemon.state_dir / "api-token").read_text().strip())
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    operation = page.locator("#operation-list > li")
    expect(operation.locator(".badge")).to_have_text("succeeded")
    page.reload()
    expect(operation.locator(".badge")).to_have_text("succeeded")
    with page.expect_download() as download:
        operation.get_by_role("button", name="Download").click()
    assert download.value.suggested_filename.startswith(client)
    download.value.save_as(tmp_path / "download.db")
    with closing(sqlite3.connect(tmp_path / "download.db")) as restored:
        assert restored.execute("SELECT count(*) FROM notes").fetchone() == (9,)
    assert "token" not in page.url and page.locator("#start-form").count() == 1


def test_a_path_a_verification_and_a_refusal_are_told_at_every_width(
        daemon: Manager, page: Page, errors: list[str], clients_folder: Path, tmp_path: Path) -> None:
    client = str(uuid.uuid4())
    write_rows(clients_folder / f"{client}.db", 3)
    page.goto(daemon.address)
    details = open_details(page, client)
    details.get_by_role("button", name="Verify now").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Token").fill((daemon.state_dir / "api-token").read_text().strip())
    dialog.get_by_role("button", name="Go on").click()
    operations = page.locator("#operation-list > li")
    expect(operations.first.locator(".badge")).to_have_text("ok")
    expect(details).to_contain_text("the live database held the same")

    details.get_by_role("button", name="Restore…").click()
    dialog.get_by_label("A new file on the server").check()
    dialog.get_by_label("Path").fill(str(tmp_path / "none" / "new.db"))
    dialog.get_by_role("button", name="Restore").click()
    expect(dialog.get_by_role("alert")).to_contain_text("make it first")
    dialog.get_by_label("Path").fill(str(tmp_path / "new.db"))
    dialog.get_by_label("From before a moment").check()
    dialog.get_by_label("Moment", exact=True).fill("yesterday")
    dialog.get_by_role("button", name="Restore").click()
    expect(operations.first.locator(".badge")).to_have_text("failed")
    expect(operations.first.locator(".operation-error")).not_to_be_empty()
    details.get_by_role("button", name="Restore…").click()
    dialog.get_by_label("The newest").check()
    page.keyboard.press("Enter")
    expect(operations).to_have_count(3)
    expect(operations.first.locator(".badge")).to_have_text("succeeded")
    with closing(sqlite3.connect(tmp_path / "new.db")) as restored:
        assert restored.execute("SELECT count(*) FROM notes").fetchone() == (3,)
    keep_picture(page, "operations")
    for width in (1400, 820, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert no_sideways_scrolling(page), width
    assert any("400" in error for error in errors)
    errors.clear()


def test_an_operation_under_way_shows_its_progress_and_is_cancelled(daemon: Manager, page: Page, clients_folder: Path,
                                                                    tmp_path: Path) -> None:
    client = str(uuid.uuid4())
    write_rows(clients_folder / f"{client}.db", 3)
    page.goto(daemon.address)
    open_details(page, client)
    running = {"id": "0" * 16, "kind": "restore", "clientId": client, "state": "running", "cancelling": False,
               "to": "/var/tmp/restored.db", "download": False, "at": None, "txid": None,
               "progress": {"bytesDone": 25_000_000, "bytesTotal": 100_000_000, "objectsDone": 3, "objectsTotal": 12},
               "queuedAt": "2026-11-23T10:00:00Z", "startedAt": "2026-11-23T10:00:00Z", "finishedAt": None, "result": None,
               "error": None}
    asked = []

    def answer(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(json={"operations": [running], "tokenFile": "/state/api-token"})

    page.route("**/api/operations", answer)
    page.route("**/api/operations/*", lambda route: route.fulfill(json=running | {"cancelling": True}))
    page.reload()
    operation = page.locator("#operation-list > li")
    expect(operation.get_by_role("progressbar")).to_have_attribute("value", "0.25")
    keep_picture(page, "running")
    before = len(asked)
    wait_until(lambda: page.wait_for_timeout(50) is None and len(asked) > before, 10, "it is asked for again")
    running["progress"]["bytesDone"] = 50_000_000
    expect(operation.get_by_role("progressbar")).to_have_attribute("value", "0.5")
    operation.get_by_role("button", name="Cancel").click()
    page.get_by_role("dialog").get_by_label("Token").fill("t")
    page.get_by_role("button", name="Go on").click()
    running |= {"state": "cancelled", "finishedAt": "2026-11-23T10:00:09Z"}
    expect(operation.locator(".badge")).to_have_text("cancelled")
    expect(operation.get_by_role("button", name="Cancel")).to_be_hidden()
