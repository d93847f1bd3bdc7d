"""Fixtures: one browser for all tests, a page and a fleet of its own for each. Anything that the browser reports as an
error (a script's exception, something that the content security policy forbids) fails the test."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from fake_fleet import FakeFleet
from harness.manager import Manager
from harness.store import FileBucket

# Headless, without a sandbox (tests run in containers as root) and without the browser's own traffic.
CHROMIUM_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
                  "--disable-component-update", "--disable-sync"]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=os.environ.get("LM_CHROMIUM", "/usr/bin/chromium"),
                                             args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def errors() -> list[str]:
    """What the browser complained about. A test that provokes complaints clears it."""
    return []


@pytest.fixture
def page(browser: Browser, errors: list[str]) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1400, "height": 900}, color_scheme="light",
                                  permissions=["clipboard-read", "clipboard-write"])
    context.set_default_timeout(15_000)

    def note(message: ConsoleMessage) -> None:
        if message.type == "error":
            errors.append(message.text)

    page = context.new_page()
    page.on("console", note)
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert errors == []


@pytest.fixture
def fleet() -> Iterator[FakeFleet]:
    fleet = FakeFleet()
    yield fleet
    fleet.stop()


@pytest.fixture
def open_dashboard(fleet: FakeFleet, page: Page) -> Callable[..., Page]:
    """open_dashboard("?state=live"): the fake fleet's dashboard, connected.

    Here and in the tests the server is named before the page, so that the page closes before its server goes."""

    def open_it(query: str = "") -> Page:
        page.goto(fleet.address + "/" + query)
        page.locator("#link-state[data-link=live]").wait_for()
        return page

    return open_it


@pytest.fixture
def clients_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="lm-browser-"))
    (folder / "clients").mkdir()
    yield folder / "clients"
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def daemon(clients_folder: Path) -> Iterator[Manager]:
    folder = clients_folder.parent
    bucket = FileBucket(folder / "bucket")
    bucket.create()
    manager = Manager([clients_folder], bucket, folder / "state", folder / "manager.log")
    manager.start()
    yield manager
    manager.stop()
