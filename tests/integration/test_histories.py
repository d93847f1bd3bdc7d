"""What weeks of merges, snapshots and interrupted removals leave is restored by Litestream as our planner says."""

import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.load import client_id
from harness.manager import run_manager
from harness.settings import clean_environment, litestream_binary, manager_binary


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_litestream_restores_every_kept_point_of_a_thinned_history(folder, seed):
    replica = folder / "databases" / client_id(1)
    program = manager_binary().parent / "tests/history/history_bucket"
    written = subprocess.run([program, replica, str(seed)], capture_output=True, text=True, timeout=60, check=True)
    everything = sorted({tuple(line.split()) for line in written.stdout.splitlines()})
    wanted = everything[::max(1, len(everything) // 40)]
    wanted += [line for line in everything if line[0] == "newest"]
    assert {kind for kind, _, _ in wanted} == {"newest", "txid", "before"} and len(wanted) > 20
    levels = {path.name for path in (replica / "ltx").iterdir()}
    assert {"0", "1", "2", "9"} <= levels, levels

    def restore(number):
        kind, value, txid = wanted[number]
        target = {"newest": [], "txid": ["-txid", f"{int(txid):016x}"], "before": ["-timestamp", value]}[kind]
        output = folder / f"{number}.db"
        done = subprocess.run([str(litestream_binary()), "restore", "-o", str(output), *target, f"file://{replica}"],
                              capture_output=True, text=True, timeout=120, env=clean_environment(), check=False)
        assert done.returncode == 0, f"{wanted[number]}: {done.stderr}{done.stdout}"
        expected = (replica / "expected" / f"{txid}.db").read_bytes()
        assert output.read_bytes() == expected, f"{wanted[number]}: other bytes"
        if kind != "before":
            return
        # What was thinned out is no gap: ours gives the same state of that time.
        ours = folder / f"{number}-ours.db"
        done = run_manager("restore", f"file://{replica}", "-o", str(ours), "-at", value, "-integrity-check", "none")
        assert done.returncode == 0, f"{wanted[number]}: {done.stderr}"
        assert ours.read_bytes() == expected, f"{wanted[number]}: other bytes of ours"

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(restore, range(len(wanted))))
