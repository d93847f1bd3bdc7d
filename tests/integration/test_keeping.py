"""Commands about what is kept: pins stand in the bucket, and nobody else is disturbed by them."""

import json

import pytest

from harness.compare import check_same_database, consistent_copy
from harness.manager import run_manager
from harness.restore import litestream_restore, restore_all_both_ways

BOTH_STORES = pytest.mark.parametrize("bucket", ["s3", "file"], indirect=True)


def command(bucket, *arguments):
    done = run_manager(*arguments, *bucket.manager_arguments(), bucket=bucket)
    assert done.returncode == 0, done.stderr
    return done.stdout


@BOTH_STORES
def test_pins_come_and_go_and_disturb_neither_the_daemon_nor_litestream(bucket, folder, make_manager, make_application):
    application = make_application(1, work="rows")
    application.write(5)
    manager = make_manager(bucket).start()
    manager.wait_stored([application.client_id])
    first = json.loads(command(bucket, "pin", application.client_id, "-note", "before\nthe migration", "-json"))[0]
    assert first["until"] is None and first["restorable"] and first["clientId"] == application.client_id
    pinned = litestream_restore(bucket, application.client_id, folder / "then.db")
    for _ in range(5):
        application.write(3)
        manager.wait_stored([application.client_id])
    command(bucket, "pin", application.client_id, "-txid", "2", "-note", "another", "-until", "2199-01-01T00:00:00Z")
    command(bucket, "pin", application.client_id, "-txid", "2", "-note", "the same", "-until", "2199-01-01T00:00:00Z")

    listed = json.loads(command(bucket, "pins", "-json"))
    assert [(pin["txid"], pin["note"]) for pin in listed] == [(first["txid"], "before\nthe migration"),
                                                             ("0000000000000002", "the same")]
    text = command(bucket, "pins", application.client_id)
    assert "for good" in text and "2199-01-01T00:00:00Z" in text and len(text.splitlines()) == 2

    source = consistent_copy(application.database, folder / "source.db")
    for path in restore_all_both_ways(bucket, [application.client_id], folder / "restored")[application.client_id]:
        check_same_database(source, path)
    check_same_database(pinned, litestream_restore(bucket, application.client_id, folder / "pinned.db",
                                                   txid=int(first["txid"], 16)))
    # Without a state directory all starts from a listing of the bucket, pins and all.
    assert manager.stop() == 0
    again = make_manager(bucket, name="again").start()
    application.write(2)
    again.wait_stored([application.client_id])
    assert again.stop() == 0

    command(bucket, "unpin", application.client_id, "-txid", "2")
    assert len(json.loads(command(bucket, "pins", "-json"))) == 1
    command(bucket, "unpin", application.client_id, "-all")
    assert command(bucket, "pins") == "no pins\n"
    refused = run_manager("unpin", application.client_id, "-all", *bucket.manager_arguments(), bucket=bucket)
    assert refused.returncode == 3 and "no such pin" in refused.stderr
    refused = run_manager("pin", application.client_id, "-txid", "99", "-note", "x", *bucket.manager_arguments(), bucket=bucket)
    assert refused.returncode == 3 and json.loads(command(bucket, "pins", "-json")) == []


@BOTH_STORES
def test_retention_tells_what_stays_and_why_for_each_client_by_its_own_policy(bucket, folder, clients, make_manager,
                                                                              make_application):
    applications = [make_application(i, work="rows") for i in (1, 2)]
    manager = make_manager(bucket, arguments=("-sync-interval", "1ms")).start()
    for _ in range(4):
        for application in applications:
            application.write(2)
        manager.wait_stored([a.client_id for a in applications])
    one, two = (a.client_id for a in applications)
    command(bucket, "pin", one, "-note", "for the audit")
    stored = {client_id: len(bucket.ltx_objects(client_id)) for client_id in (one, two)}
    config = folder / "manager.toml"
    config.write_text(f'watch-dir = ["{clients}"]\nstate-dir = "{folder}/manager-state"\n'
                      f'[[client]]\nmatch = "{two}"\nretention = "off"\n')
    before = bucket.keys()

    told = json.loads(command(bucket, "retention", "-config", str(config), "-json"))
    assert [c["id"] for c in told["clients"]] == [one, two]
    by_policy, off = told["clients"]
    assert by_policy["leftAlone"] is None and off["leftAlone"] == "retention is off"
    points = by_policy["keep"]["points"]
    assert points["newest"] == 1 and points["pinned"] == 1 and points["window"] == by_policy["objects"] == stored[one]
    assert told["all"]["objects"] == stored[one] + stored[two] and told["all"]["remove"]["objects"] == 0
    whole = json.loads(command(bucket, "retention", one, "-json"))["clients"][0]
    assert whole["kept"][-1]["reasons"][0] == "newest" and whole["removals"] == [] and whole["lostPins"] == []
    text = command(bucket, "retention", one)
    assert "kept points" in text and "newest, window" in text and "Nothing was removed" in text

    (folder / "empty").mkdir()
    elsewhere = json.loads(command(bucket, "retention", "-watch-dir", str(folder / "empty"), "-json"))
    assert {c["leftAlone"] for c in elsewhere["clients"]} == {"unknown to this host"}
    refused = run_manager("retention", one, "-watch-dir", str(folder / "absent"), *bucket.manager_arguments(), bucket=bucket)
    assert refused.returncode == 3 and "is it mounted" in refused.stderr
    assert bucket.keys() == before
    assert manager.stop() == 0
