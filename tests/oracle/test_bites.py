"""The oracle bites: every kind of damage that a backup can have is noticed, and what is right is accepted."""

import os
import shutil
import signal
import sqlite3
import sys
import tempfile
import unittest
from pathlib import Path

import settings  # noqa: F401 makes the integration tests' harness known
from history import History
from judge import CLOCK_SLACK_MS, Judge, Restored, Violation, examine, free_leaves, page_difference
from restorer import Restorer
from workload import OracleDatabase, Worker

from harness.compare import consistent_copy, page_size
from harness.manager import Manager
from harness.store import FileBucket
from harness.wait import wait_until

CHANGES = "insert:3,update:3,small:5,schema:1"
CLIENT = "00000000-0000-4000-8000-00000000000a"


class BitesCase(unittest.TestCase):
    """A database with three known states, `earlier`, `middle` and `latest`, and the history of how it came to them."""

    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="lm-oracle-bites-"))
        self.addCleanup(shutil.rmtree, self.folder)
        (self.folder / "clients").mkdir()
        self.path = self.folder / "clients" / f"{CLIENT}.db"
        self.history = History(self.folder / "journal")
        self.judge = Judge(CLIENT, self.history)
        shared = {"database": self.path, "journal": self.history.journal, "seed": 1}
        self.writer = Worker("own", "write", shared | {"rate": 200, "changes": CHANGES, "rollback_percent": 20},
                             self.folder / "writer.log")
        self.reader = Worker("own", "read", shared | {"rate": 500, "snapshots": self.folder}, self.folder / "reader.log")
        self.database = OracleDatabase(CLIENT, self.path, self.judge, [self.writer], [self.reader])
        self.addCleanup(self.database.kill)
        self.earlier, self.middle, self.latest = (self._write(name) for name in ("earlier", "middle", "latest"))

    def _write(self, name: str) -> Path:
        """Twenty transactions more, and a reader's snapshot of the last one."""
        self.history.update()
        enough = self.history.committed() + 20
        self.writer.start()
        wait_until(lambda: self._committed() >= enough, 20, "transactions")
        self.writer.signal(signal.SIGTERM)
        self.writer.finish()
        self.history.update()
        newest = self.history.newest_committed
        self.reader.start()
        wait_until(lambda: self._committed() and newest.hash in self.history.snapshots, 20, "a snapshot")
        self.reader.signal(signal.SIGTERM)
        self.reader.finish()
        return consistent_copy(self.path, self.folder / f"{name}.db")

    def _committed(self) -> int:
        self.history.update()
        return self.history.committed()

    def _append(self, line: str) -> None:
        with self.history.journal.open("a") as journal:
            journal.write(line + "\n")

    def check(self, path: Path, **known: int) -> dict:
        return self.judge.check(Restored(path, "test", **known))

    def assert_found(self, what: str, path: Path, **known: int) -> None:
        with self.assertRaisesRegex(Violation, what):
            self.check(path, **known)


class Judgement(BitesCase):
    def test_states_that_were_committed_are_accepted_and_compared_page_by_page(self) -> None:
        for txid, path in enumerate((self.earlier, self.middle, self.latest), start=1):
            self.check(path, txid=txid)
        self.judge.check_end(examine(self.latest))
        self.assertEqual(self.judge.counts["pages: equal to a reader's snapshot"], 3)

    def test_a_page_of_an_older_state(self) -> None:
        size = page_size(self.latest)
        old, new = self.earlier.read_bytes(), bytearray(self.latest.read_bytes())
        changed = [p for p in range(2, len(old) // size)
                   if old[p * size:p * size + size] != new[p * size:p * size + size]]
        self.assertTrue(changed)
        for page in changed:
            mixed = new[:page * size] + old[page * size:page * size + size] + new[page * size + size:]
            (self.folder / "mixed.db").write_bytes(mixed)
            self.assert_found("integrity|rows are not|schema is not|malformed|differ from", self.folder / "mixed.db")

    def test_a_byte_that_no_row_and_no_check_depends_on(self) -> None:
        """Between the cells of a page: only the comparison with a snapshot can see it."""
        content, size = bytearray(self.latest.read_bytes()), page_size(self.latest)
        for page in range(1, len(content) // size):
            at = page * size
            cells, start = int.from_bytes(content[at + 3:at + 5], "big"), int.from_bytes(content[at + 5:at + 7], "big")
            if content[at] == 13 and start - 8 - 2 * cells > 8:
                content[at + 8 + 2 * cells + 4] ^= 1
                break
        else:
            self.fail("no page with a gap between its cells")
        (self.folder / "flipped.db").write_bytes(content)
        self.assertEqual(examine(self.folder / "flipped.db")["problems"], [])
        self.assert_found(rf"pages \[{page + 1}\]", self.folder / "flipped.db")

    def test_a_state_of_nobody(self) -> None:
        other = Worker("system", "write", self.writer.settings | {"database": self.folder / "other.db", "seed": 5,
                                                                  "journal": self.folder / "other"}, self.folder / "log")
        other.start()
        wait_until(lambda: (self.folder / "other").exists() and (self.folder / "other").stat().st_size > 2000, 20, "another")
        other.signal(signal.SIGTERM)
        other.finish()
        self.assert_found("no application ever made", consistent_copy(self.folder / "other.db", self.folder / "copy.db"))

    def test_a_transaction_that_was_rolled_back(self) -> None:
        facts = examine(self.latest)
        self._append(f"R {facts['number']} {facts['previous']} {facts['hash']} 1")
        self.assert_found("rolled back", self.latest)

    def test_a_transaction_in_doubt_that_turns_out_to_be_a_ghost(self) -> None:
        self.check(self.latest)
        self.judge.check_end(examine(self.latest))
        self.history.states[examine(self.latest)["hash"]].committed_ms = None  # its writer died in COMMIT
        self.check(self.latest)
        self.history.newest_committed = self.history.states[examine(self.middle)["hash"]]
        with self.assertRaisesRegex(Violation, "never committed"):
            self.judge.check_end(examine(self.middle))

    def test_a_source_that_lost_a_committed_transaction(self) -> None:
        with self.assertRaisesRegex(Violation, "lost transaction"):
            self.judge.check_end(examine(self.middle))

    def test_an_older_state_than_the_bucket_had_already(self) -> None:
        self.check(self.middle, txid=5)
        self.check(self.latest, at_least_txid=5)
        self.assert_found("TXID 5 already held", self.earlier, at_least_txid=6)
        self.assert_found("TXID 5 already held", self.earlier, txid=7)
        self.assert_found("TXID 5 holds transaction .* only", self.latest, txid=4)

    def test_a_txid_that_changes_its_content(self) -> None:
        self.check(self.middle, txid=5)
        self.check(self.middle, txid=5)
        self.assert_found("the same TXID", self.latest, txid=5)

    def test_a_state_from_after_the_time_asked_for(self) -> None:
        begun = self.history.states[examine(self.latest)["hash"]].begun_ms
        self.check(self.latest, at_ms=begun)
        self.assert_found("after the time", self.latest, at_ms=begun - CLOCK_SLACK_MS - 1)


class Pages(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="lm-oracle-bites-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.source = self.folder / "source.db"
        connection = sqlite3.connect(self.source)
        connection.execute("CREATE TABLE t(a)")
        connection.executemany("INSERT INTO t VALUES(?)", [("x" * 3000,)] * 20)
        connection.execute("DELETE FROM t WHERE rowid > 5")
        connection.commit()
        connection.close()

    def difference(self, at: int) -> str:
        """After a change of the byte there."""
        content = bytearray(self.source.read_bytes())
        content[at] ^= 1
        (self.folder / "other.db").write_bytes(content)
        return page_difference(self.source, self.folder / "other.db")

    def test_what_stands_in_a_free_page_does_not_count(self) -> None:
        leaves = free_leaves(self.source)
        self.assertGreater(len(leaves), 5)
        for page in range(1, os.path.getsize(self.source) // 4096 + 1):
            found = self.difference((page - 1) * 4096 + 200)
            self.assertEqual(found == "free pages", page in leaves, f"page {page}: {found}")

    def test_the_journal_mode_is_told_from_other_bytes_of_the_first_page(self) -> None:
        self.assertEqual(self.difference(18), "journal mode")
        self.assertRegex(self.difference(40), r"pages \[1\]")

    def test_a_longer_file_differs(self) -> None:
        (self.folder / "other.db").write_bytes(self.source.read_bytes() + bytes(4096))
        self.assertRegex(page_difference(self.source, self.folder / "other.db"), "pages")


class Sabotage(BitesCase):
    """The bucket of the real daemon, with one object damaged."""

    def setUp(self) -> None:
        super().setUp()
        self.bucket = FileBucket(self.folder / "bucket")
        self.bucket.create()
        manager = Manager([self.folder / "clients"], self.bucket, self.folder / "state", self.folder / "manager.log",
                          arguments=("-sync-interval", "20ms")).start()
        self.addCleanup(manager.kill)
        for _ in range(3):
            self._write("more")
            stored = manager.wait_stored([CLIENT])
            self.judge.reported(1, stored[CLIENT]["txid"])
        self.assertEqual(manager.stop(), 0)
        for item in self.bucket.ltx_objects(CLIENT):
            if item.level > 0:  # of a merge that came due meanwhile; it would make the damage below harmless
                (self.bucket.root / item.key).unlink()
        self.objects = self.bucket.ltx_objects(CLIENT)
        self.assertGreaterEqual(len(self.objects), 3)
        self.restorer = Restorer(0, 1, self.bucket, [self.database], self.folder, lambda *_: None)

    def restore(self) -> None:
        for way in ("manager, latest", "litestream, latest"):
            self.restorer.restore(self.database, way)

    def test_without_damage_all_is_well(self) -> None:
        self.restore()

    def test_the_newest_object_is_gone(self) -> None:
        (self.bucket.root / self.objects[-1].key).unlink()
        self.assertRaisesRegex(Violation, "was reported as stored", self.restore)

    def test_an_object_in_the_middle_is_gone(self) -> None:
        (self.bucket.root / self.objects[-2].key).unlink()
        self.assertRaises(AssertionError, self.restore)

    def test_an_object_stands_twice(self) -> None:
        shutil.copy(self.bucket.root / self.objects[-2].key, self.bucket.root / self.objects[-1].key)
        self.assertRaises(AssertionError, self.restore)

    def test_a_flipped_bit(self) -> None:
        path = self.bucket.root / self.objects[-1].key
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
        self.assertRaises(AssertionError, self.restore)


if __name__ == "__main__":
    sys.exit(not unittest.main(exit=False, verbosity=1).result.wasSuccessful())
