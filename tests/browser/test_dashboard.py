"""The dashboard over a scripted fleet: filters, order, pages, hostile names, lost connections, narrow screens."""

import os
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from fake_fleet import FakeFleet, client_id

Open = Callable[..., Page]


def row_ids(page: Page) -> list[str]:
    return page.locator("#rows tr[data-client]").evaluate_all("rows => rows.map(row => row.dataset.client)")


def show_every_state(fleet: FakeFleet) -> None:
    fleet.tell("clients 10000", "set 3 live 500000 77", "set 40 imaging 81920 0", "set 41 waiting 0 0",
               "set 5000 conflict 8192 43", "set 5001 failing 8192 44", "set 5002 blocked 8192 45",
               "set 5003 paused 8192 46", "set 5004 removed 8192 47",
               "detail 5000 another writer stored TXID 000000000000002b under this prefix; nothing is overwritten",
               "detail 5001 the store answers 503 Slow Down",
               "detail 5002 the database is held exclusively by another process (locking_mode=EXCLUSIVE)",
               "notice 3 files were refused: two names that differ only in case are one client")


def test_an_empty_fleet_tells_how_to_start(open_dashboard: Open) -> None:
    page = open_dashboard()
    expect(page.locator("#empty-start")).to_be_visible()
    expect(page.locator("#start-command")).to_have_text("touch /data/$(uuidgen).db")
    expect(page.locator("table")).to_be_hidden()


def test_problems_come_first_and_say_what_is_wrong(open_dashboard: Open, fleet: FakeFleet) -> None:
    show_every_state(fleet)
    page = open_dashboard()
    expect(page.locator("#rows tr").first).to_be_visible()
    assert row_ids(page)[:4] == [client_id(5000), client_id(5001), client_id(5002), client_id(1)]
    expect(page.locator("#rows tr").nth(1).locator(".detail")).to_have_text("the store answers 503 Slow Down")
    expect(page.locator("#notices")).to_contain_text("3 files were refused")
    expect(page).to_have_title("(3) Litestream Manager")
    expect(page.locator(".tile[data-state=''] .tile-count")).to_have_text("9,999")
    expect(page.locator(".tile[data-state=conflict] .tile-count")).to_have_text("1")


def test_ten_thousand_clients_show_at_once_a_page_at_a_time(open_dashboard: Open, fleet: FakeFleet) -> None:
    fleet.tell("clients 10000")
    page = open_dashboard()
    expect(page.locator("#range")).to_have_text("1–50 of 10,000 clients")
    assert len(row_ids(page)) == 50
    begin = time.monotonic()
    page.reload()
    expect(page.locator("#rows tr").first).to_be_visible()
    assert time.monotonic() - begin < 5
    page.get_by_role("button", name="Next").click()
    expect(page.locator("#range")).to_have_text("51–100 of 10,000 clients")
    assert row_ids(page)[0] == client_id(51)


def test_search_and_state_filter_on_the_server_and_survive_a_reload(open_dashboard: Open, fleet: FakeFleet) -> None:
    show_every_state(fleet)
    page = open_dashboard()
    page.keyboard.press("/")
    page.keyboard.type("000000001389")
    expect(page.locator("#range")).to_have_text("1–1 of 1 client")
    assert row_ids(page) == [client_id(5001)]
    page.reload()
    expect(page.locator("#search")).to_have_value("000000001389")
    expect(page.locator("#range")).to_have_text("1–1 of 1 client")
    page.locator("#search").fill("no such client")
    expect(page.locator("#empty-match")).to_be_visible()
    page.get_by_role("button", name="Show all clients").click()
    expect(page.locator("#range")).to_have_text("1–50 of 9,999 clients")
    page.locator("#state-filter").select_option("removed")
    expect(page.locator("#range")).to_have_text("1–1 of 1 client")
    expect(page.locator("#rows .badge")).to_have_text("removed")


def test_columns_sort_both_ways_and_tell_it(open_dashboard: Open, fleet: FakeFleet) -> None:
    fleet.tell("clients 3", "set 1 idle 300 5", "set 2 idle 100 9", "set 3 idle 200 7")
    page = open_dashboard()
    size = page.locator("th[data-sort=size]")
    size.get_by_role("button").click()
    expect(size).to_have_attribute("aria-sort", "descending")
    expect(page.locator("#rows tr").first).to_have_attribute("data-client", client_id(1))
    size.get_by_role("button").click()
    expect(size).to_have_attribute("aria-sort", "ascending")
    expect(page.locator("#rows tr").first).to_have_attribute("data-client", client_id(2))
    assert row_ids(page) == [client_id(2), client_id(3), client_id(1)]


def test_a_change_shows_in_place_without_reload_and_keeps_what_is_open(open_dashboard: Open, fleet: FakeFleet) -> None:
    fleet.tell("clients 3")
    page = open_dashboard()
    page.evaluate("window.neverReloaded = true")
    row = page.locator(f"[data-client='{client_id(2)}']")
    row.get_by_role("button", name="Details").click()
    details = page.locator(".detail-row")
    target = f"restore -o {client_id(2)}.db s3://backups/databases/{client_id(2)}"
    expect(details.locator("pre.command")).to_have_text([f"litestream-manager {target}", f"litestream {target}"])
    copy = details.get_by_role("button", name="Copy").first
    copy.focus()
    fleet.tell("set 2 live 123456 4242")
    expect(row.locator("td[data-label=TXID]")).to_have_text("4242")
    expect(row.locator(".badge")).to_have_text("live")
    expect(details).to_contain_text("4242 (hex 0000000000001092)")
    expect(copy).to_be_focused()
    assert page.evaluate("window.neverReloaded") is True


def test_a_conflict_and_lost_restore_points_are_explained_in_the_details(open_dashboard: Open, fleet: FakeFleet) -> None:
    fleet.tell("clients 2", "conflict 1 abc 86400", "lost 2 12")
    page = open_dashboard()
    for number, label, expected in [(1, "Other writer", "another Litestream Manager, lineage 0000000000000abc, since "),
                                    (2, "Restore points lost in outages", "12, the last between ")]:
        row = page.locator(f"[data-client='{client_id(number)}']")
        row.get_by_role("button", name="Details").click()
        fact = page.locator(".detail-row dl > div", has=page.locator("dt", has_text=label))
        expect(fact.locator("dd")).to_contain_text(expected)
        row.get_by_role("button", name="Details").click()


def fact_of(page: Page, label: str) -> Locator:
    return page.locator(".detail-row dl > div", has=page.locator("dt", has_text=label)).locator("dd")


def test_the_last_audit_of_the_bucket_is_shown_and_follows(open_dashboard: Open, fleet: FakeFleet) -> None:
    fleet.tell("clients 3")
    page = open_dashboard()
    expect(page.locator("#audit")).to_have_text("off")
    fleet.tell("audit 0 0")
    expect(page.locator("#audit")).to_have_text("2 h ago: all as recorded")
    fleet.tell("audit 12 5")
    expect(page.locator("#audit")).to_have_text("2 h ago: 5 restore points lost, 12 objects that are no backup's")
    expect(page.locator("#audit")).to_have_attribute("title", re.compile(r"databases/<b>9, …\nrestore points lost: 0"))


def test_the_bill_of_the_fleet_is_shown_and_follows(open_dashboard: Open, fleet: FakeFleet) -> None:
    fleet.tell("clients 2")
    page = open_dashboard()
    expect(page.locator("#bill")).to_have_text("none: the bucket is a directory")
    fleet.tell("bill 1 12345")
    expect(page.locator("#bill")).to_have_text("$123.45 so far, about $370.35 at its end")
    expect(page.locator("#held")).to_have_text("98,765 objects, 43.0 GB")
    expect(page.locator("#requests")).to_have_text("0, 345,679 a day")
    expect(page.locator("#bill")).to_have_attribute("title", re.compile("1,234,567 requests, storage \\$30.86"))
    fleet.tell("bill 1 0")
    expect(page.locator("#bill")).to_have_text("$0 so far, about $0 at its end")


def test_details_tell_what_the_bucket_holds_and_what_it_costs(open_dashboard: Open, fleet: FakeFleet) -> None:
    fleet.tell("clients 2", "account 1 1919 474000000")
    page = open_dashboard()
    row = page.locator(f"[data-client='{client_id(1)}']")
    row.get_by_role("button", name="Details").click()
    expect(fact_of(page, "In the bucket")).to_have_text("1,919 objects, 452 MB")
    expect(fact_of(page, "A restore reads")).to_have_text("23 objects")
    expect(fact_of(page, "Oldest restorable point")).to_have_text(re.compile("20\\d\\d"))
    expect(fact_of(page, "Cost")).to_have_text("about $0.24 a month")
    expect(fact_of(page, "Requests since start")).to_have_text("1,610 (capture 1,440, merge 170); 1,610 a day")
    expect(fact_of(page, "Merging and removing")).to_have_text("no failure")
    # The open details ask again when the server has news of the client.
    fleet.tell("account 1 1920 474000000", "upkeep 1 the store answers 503 Slow Down", "set 1 live 8192 5")
    expect(fact_of(page, "In the bucket")).to_have_text("1,920 objects, 452 MB")
    expect(fact_of(page, "Merging and removing")).to_contain_text(": the store answers 503 Slow Down")
    expect(fact_of(page, "Merging and removing")).to_have_class("bad")
    row.get_by_role("button", name="Details").click()
    page.locator(f"[data-client='{client_id(2)}']").get_by_role("button", name="Details").click()
    expect(fact_of(page, "In the bucket")).to_have_text("nothing yet")
    expect(fact_of(page, "Cost")).to_have_text("not known in the first hour")


def test_clients_come_and_go_and_enter_the_filter_they_match(open_dashboard: Open, fleet: FakeFleet) -> None:
    fleet.tell("clients 2")
    page = open_dashboard("?state=failing")
    expect(page.locator("#empty-match")).to_be_visible()
    fleet.tell("set 2 failing 8192 1")
    expect(page.locator("#rows tr")).to_have_count(1)
    fleet.tell("set 2 idle 8192 2")
    expect(page.locator("#rows tr")).to_have_count(0)
    page.locator("#state-filter").select_option("")
    expect(page.locator("#rows tr")).to_have_count(2)
    fleet.tell("set 7 live 1 1")
    expect(page.locator("#rows tr")).to_have_count(3)
    fleet.tell("remove 1")
    expect(page.locator("#rows tr")).to_have_count(2)


def test_many_changes_at_once_make_the_page_fetch_anew(open_dashboard: Open, fleet: FakeFleet) -> None:
    fleet.tell("clients 10")
    page = open_dashboard()
    expect(page.locator("#rows tr")).to_have_count(10)
    fleet.tell("clients 5000")
    expect(page.locator("#range")).to_have_text("1–50 of 5,000 clients")


@pytest.mark.parametrize("hostile", [
    "/data/<img src=x onerror=\"window.attacked=true\">.db",
    "/data/<script>window.attacked=true</script>.db",
    "/data/\"><svg onload=window.attacked=true>.db",
    "/data/&lt;b&gt; ${window.attacked=true} {{1}}.db",
])
def test_hostile_paths_and_details_stay_text(open_dashboard: Open, fleet: FakeFleet, hostile: str) -> None:
    fleet.tell("clients 1", f"path 1 {hostile}", "set 1 failing 1 1", f"detail 1 {hostile}", f"notice {hostile}",
               f"lose {hostile}")
    page = open_dashboard()
    row = page.locator("#rows tr").first
    expect(row.locator(".path")).to_have_text(hostile)
    expect(row.locator(".detail")).to_have_text(hostile)
    row.get_by_role("button", name="Details").click()
    expect(page.locator(".detail-row dd").first).to_have_text(hostile)
    expect(page.locator("#notices")).to_contain_text(hostile)
    assert page.evaluate("window.attacked") is None
    assert page.locator("main img, main script, main svg").count() == 0


def test_a_lost_server_is_announced_and_found_again(open_dashboard: Open, fleet: FakeFleet, errors: list[str]) -> None:
    fleet.tell("clients 2")
    page = open_dashboard()
    banner = page.locator("#lost-banner")
    expect(banner).to_be_hidden()
    port = fleet.port
    fleet.stop()
    expect(banner).to_be_visible()
    expect(page.locator("#link-state")).to_have_text("Disconnected")
    expect(page.locator("#rows tr")).to_have_count(2)  # what was known stays
    again = FakeFleet(port)
    try:
        again.tell("clients 4")
        expect(banner).to_be_hidden()
        expect(page.locator("#link-state")).to_have_text("Live")
        expect(page.locator("#rows tr")).to_have_count(4)
    finally:
        page.goto("about:blank")
        again.stop()
    # The browser notes refused connections as errors; only those may be there.
    assert all("ERR_CONNECTION" in error or "ERR_INCOMPLETE" in error or "ERR_EMPTY" in error for error in errors), errors
    errors.clear()


def test_polling_replaces_a_refused_event_stream(fleet: FakeFleet, page: Page, errors: list[str]) -> None:
    fleet.tell("clients 2")
    page.route("**/api/events", lambda route: route.fulfill(status=503, body="too many"))
    page.goto(fleet.address)
    expect(page.locator("#link-state")).to_have_text("Polling every 5 s")
    expect(page.locator("#lost-banner")).to_be_hidden()
    expect(page.locator("#rows tr")).to_have_count(2)
    fleet.tell("set 3 live 1 1")
    expect(page.locator("#rows tr")).to_have_count(3, timeout=15_000)
    assert all("503" in error for error in errors), errors
    errors.clear()


def test_copy_gives_the_restore_command_and_says_so(open_dashboard: Open, fleet: FakeFleet) -> None:
    fleet.tell("clients 1")
    page = open_dashboard()
    page.get_by_role("button", name=f"Copy the restore command of {client_id(1)}").click()
    expect(page.locator("#announcer")).to_have_text("Copied to the clipboard")
    assert page.evaluate("navigator.clipboard.readText()") == (
        f"litestream-manager restore -o {client_id(1)}.db s3://backups/databases/{client_id(1)}")
    expect(page.locator("#rows .s3-path")).to_have_text(f"databases/{client_id(1)}")


def test_the_theme_is_kept_and_follows_the_system_without_a_choice(open_dashboard: Open) -> None:
    page = open_dashboard()
    background = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(background)
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate(background)
    assert light != dark
    page.locator("#theme-button").click()
    expect(page.locator("#theme-button")).to_have_text("Theme: light")
    assert page.evaluate(background) == light
    page.reload()
    assert page.evaluate(background) == light


def test_every_control_has_a_name_and_times_have_an_absolute_form(open_dashboard: Open, fleet: FakeFleet) -> None:
    fleet.tell("clients 1", "set 1 live 1 1")
    page = open_dashboard()
    expect(page.locator("#rows tr")).to_have_count(1)
    unnamed = page.evaluate("""() => [...document.querySelectorAll('button, input, select, a')]
        .filter((node) => !node.hidden && !(node.ariaLabel || node.textContent.trim() || node.labels?.length))
        .map((node) => node.outerHTML)""")
    assert unnamed == []
    expect(page.get_by_role("table", name="Clients").get_by_role("columnheader")).to_have_count(7)
    stamp = page.locator("#rows time")
    expect(stamp).to_have_attribute("datetime", re.compile(r"^\d{4}-\d\d-\d\dT.*Z$"))
    expect(stamp).to_have_attribute("title", re.compile(r"\d{4}-\d\d-\d\dT.*Z"))


def luminance(color: str) -> float:
    channels = [int(value) / 255 for value in re.findall(r"\d+", color)[:3]]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_enough_contrast(open_dashboard: Open, fleet: FakeFleet, scheme: str) -> None:
    show_every_state(fleet)
    page = open_dashboard()
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    expect(page.locator("#rows tr").first).to_be_visible()
    pairs = page.evaluate("""() => [...document.querySelectorAll(
        'h1, .version, dt, dd, .tile-count, .tile-label, .badge, .detail, .client-id, .s3-path, .path, time, th button,'
        + ' .notices, .button:not(:disabled), #range, #link-state, footer a')]
      .filter((node) => node.checkVisibility())
      .map((node) => {
        let surface = node;
        while (surface && ['rgba(0, 0, 0, 0)', 'transparent'].includes(getComputedStyle(surface).backgroundColor)) {
          surface = surface.parentElement;
        }
        return [node.className || node.tagName, getComputedStyle(node).color,
                getComputedStyle(surface ?? document.documentElement).backgroundColor];
      })""")
    assert len(pairs) > 100
    for name, text, surface in pairs:
        high, low = sorted((luminance(text), luminance(surface)), reverse=True)
        assert (high + 0.05) / (low + 0.05) >= 4.5, f"{name}: {text} on {surface}"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(1400, 900), (900, 700), (390, 800)])
def test_the_page_fits_the_screen(browser: Browser, fleet: FakeFleet, width: int, height: int, scheme: str) -> None:
    show_every_state(fleet)
    fleet.tell("bill 1 1234567", "account 5001 1919 474000000",
               "upkeep 5001 merging into " + "databases/00000000-0000-4000-8000-000000001389/" * 4 + ": away",
               "path 5001 /srv/" + "very-long-folder-name-without-any-space-" * 6 + "x.db")
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
    try:
        page.goto(fleet.address)
        page.locator("#rows tr").nth(1).get_by_role("button", name="Details").click()
        expect(page.locator(".detail-row")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") == width
        for label in ("Client", "State", "Size", "Last replicated", "TXID"):
            expect(page.locator(f"#rows td[data-label='{label}']").first).to_be_visible()
        if folder := os.environ.get("LM_SCREENSHOTS"):
            page.evaluate("scrollTo(0, 0)")
            page.screenshot(path=Path(folder) / f"dashboard-{width}-{scheme}.png")
    finally:
        page.close()
