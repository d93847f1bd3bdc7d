"""The dashboard over the real daemon: what a tenant's application does is seen without a reload."""

import shlex
import sqlite3
import subprocess
import uuid
from contextlib import closing
from pathlib import Path

from playwright.sync_api import Page, expect

from harness.manager import Manager
from harness.wait import wait_until


def write_rows(path: Path, count: int) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE IF NOT EXISTS notes(id INTEGER PRIMARY KEY, text TEXT)")
        for number in range(count):
            database.execute("INSERT INTO notes(text) VALUES (?)", (f"note {number} " + "x" * 2000,))
            database.commit()


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
