"""The judge judged: the harness accepts what the real Litestream makes, and notices each kind of damage."""

import os
import sqlite3

import pytest

from harness.compare import chain, check_integrity, check_same_database, check_same_rows, consistent_copy, differing_pages
from harness.load import PAGE_SIZES
from harness.recorder import Recorder
from harness.replicate import Litestream
from harness.restore import litestream_restore
from harness.s3 import S3Client, S3Error
from harness.store import LtxObject, S3Bucket, check_nothing_rewritten, check_whole_history
from harness.wait import wait_until


@pytest.mark.parametrize("bucket", ["s3", "file"], indirect=True)
def test_litestream_itself_passes_the_comparison(bucket, folder, make_application):
    applications = [make_application(n, page_size=size, work="mixed") for n, size in enumerate(PAGE_SIZES, start=1)]
    for application in applications:
        application.write(20)
    litestream = Litestream([a.database for a in applications], bucket, folder).start()
    try:
        for application in applications:
            wait_until(lambda: bucket.ltx_objects(application.client_id), 30, "first objects", 0.2)
            application.write(20)
    finally:
        litestream.stop()
    for application in applications:
        source = consistent_copy(application.database, folder / "source.db")
        check_same_database(source, litestream_restore(bucket, application.client_id, folder / "restored.db"))
        assert len(chain(source)) == 40
        check_whole_history(bucket.ltx_objects(application.client_id))
        (folder / "restored.db").unlink()


@pytest.fixture
def pair(folder, make_application):
    """A database's copy and a second copy of that."""
    application = make_application(1, work="mixed")
    application.write(60)
    return (consistent_copy(application.database, folder / "left.db"), consistent_copy(application.database, folder / "right.db"))


def test_equal_databases_are_equal(pair):
    check_same_database(*pair)


def test_one_changed_byte_is_noticed_and_located(pair):
    left, right = pair
    content = bytearray(right.read_bytes())
    content[4096 * 2 + 100] ^= 1
    right.write_bytes(content)
    assert differing_pages(left, right) == [3]
    with pytest.raises(AssertionError, match="1 pages differ"):
        check_same_database(left, right)


def test_a_missing_page_is_noticed(pair):
    left, right = pair
    os.truncate(right, right.stat().st_size - 4096)
    with pytest.raises(AssertionError, match="bytes instead of"):
        check_same_database(left, right)


def test_a_changed_row_is_noticed(pair):
    left, right = pair
    connection = sqlite3.connect(right)
    connection.execute("UPDATE items SET body = 'other' WHERE id = (SELECT max(id) FROM items)")
    connection.commit()
    connection.close()
    with pytest.raises(AssertionError, match="row .* of items differs"):
        check_same_rows(left, right)


def test_a_damaged_tree_is_noticed(pair):
    _, right = pair
    content = bytearray(right.read_bytes())
    content[4096 * 3:4096 * 4] = bytes(4096)
    right.write_bytes(content)
    with pytest.raises(AssertionError):
        check_integrity(right)


@pytest.mark.parametrize("damage", ["DELETE FROM log WHERE n = 30", "UPDATE log SET digest = x'00' WHERE n = 30",
                                    "UPDATE log SET hash = x'00' WHERE n = 30"])
def test_a_state_that_never_was_is_noticed(pair, damage):
    _, right = pair
    connection = sqlite3.connect(right)
    connection.execute(damage)
    connection.commit()
    connection.close()
    with pytest.raises(AssertionError):
        chain(consistent_copy(right, right.with_suffix(".checked")))


def ltx(level, low, high, version="1"):
    return LtxObject(level, low, high, f"{level}/{low}-{high}", 200, version)


@pytest.mark.parametrize("objects", [[ltx(0, 2, 2)], [ltx(0, 1, 1), ltx(0, 3, 3)], [ltx(0, 1, 2), ltx(0, 2, 3)],
                                     [ltx(0, 5, 5), ltx(9, 1, 3)], [ltx(0, 1, 1), ltx(0, 3, 3), ltx(9, 2, 2)]])
def test_a_history_with_a_gap_or_an_overlap_is_noticed(objects):
    with pytest.raises(AssertionError):
        check_whole_history(objects)


@pytest.mark.parametrize("objects", [[], [ltx(0, 1, 1), ltx(0, 2, 4)], [ltx(0, 1, 1), ltx(0, 3, 3), ltx(9, 1, 2)],
                                     [ltx(0, 4, 4), ltx(9, 1, 2), ltx(9, 1, 3)], [ltx(0, 1, 1), ltx(9, 1, 1)]])
def test_a_whole_history_is_accepted(objects):
    check_whole_history(objects)


def test_a_rewritten_or_vanished_object_is_noticed():
    with pytest.raises(AssertionError, match="written twice"):
        check_nothing_rewritten([ltx(0, 1, 1)], [ltx(0, 1, 1, "2")])
    with pytest.raises(AssertionError, match="vanished"):
        check_nothing_rewritten([ltx(0, 1, 1)], [])
    check_nothing_rewritten([ltx(0, 1, 1)], [ltx(1, 1, 2)])


def test_the_proxy_passes_notes_and_misbehaves(s3_account, s3_bucket):
    recorder = Recorder(s3_account.endpoint)
    try:
        through = S3Bucket(s3_account, s3_bucket.name, recorder.endpoint)
        account = type(s3_account)(recorder.endpoint, s3_account.access_key, s3_account.secret_key)
        client = S3Client(account)
        client.put(through.name, "a", b"1" * 100_000)
        assert client.get(through.name, "a") == b"1" * 100_000
        assert [k for k, _, _ in client.list(through.name, "")] == ["a"]
        assert [(r.method, r.status) for r in recorder.requests] == [("PUT", 200), ("GET", 200), ("GET", 200)]
        recorder.set_mode("unavailable")
        answers = []
        for _ in range(4):
            try:
                client.put(through.name, "b", b"2")
                answers.append(200)
            except S3Error as refused:
                answers.append(refused.status)
        assert sorted(answers) == [200, 200, 503, 503]
        recorder.set_mode("lose_answers")
        lost = 0
        for n in range(3):
            try:
                S3Client(account).put(through.name, f"c{n}", b"3")
            except OSError:
                lost += 1
            except Exception as problem:  # http.client has several names for an answer that never came
                assert "Remote" in type(problem).__name__ or "Incomplete" in type(problem).__name__
                lost += 1
        assert lost == 1 and s3_bucket.keys() == ["a", "b", "c0", "c1", "c2"]
        recorder.set_mode("refuse")
        with pytest.raises(OSError):
            S3Client(account).put(through.name, "d", b"4")
    finally:
        recorder.close()
