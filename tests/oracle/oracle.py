"""Drives many applications against the real daemon and a real store, breaks things, restores all the time, and checks
that every restored database is a state that was committed, whole, and not older than what was reported as stored.

    LM_BINARY=build/release/litestream-manager tests/oracle/run --minutes 30 --seed 7

Rounds follow one another until the time is over, each with databases, a bucket and a daemon of its own. A round's
decisions come from its seed, which is printed; `--seed S --rounds 1` makes the same ones again (what processes and the
kernel make of them in time is theirs). The first violation ends the run and keeps everything. 2,000 kills:

    LM_BINARY=build/release/litestream-manager tests/oracle/run --profile kills --kills 2000 --round-seconds 60"""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import settings  # noqa: F401 makes the integration tests' harness known
from rounds import Plan, Result, Round


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=0, help="start no round after so long")
    parser.add_argument("--rounds", type=int, default=0, help="number of rounds instead")
    parser.add_argument("--seed", type=int, default=None, help="of the first round; the next ones count on from it")
    parser.add_argument("--store", choices=["s3", "file", "both"], default="both", help="both: in turn")
    parser.add_argument("--round-seconds", type=float, default=45)
    parser.add_argument("--databases", type=int, default=6, help="in a round")
    parser.add_argument("--chaos", type=float, default=0.5, help="things that go wrong a second, about; 0: none")
    parser.add_argument("--profile", choices=["all", "kills"], default="all",
                        help="kills: small databases, and a daemon that lives for 0.1 to 3 s, again and again")
    parser.add_argument("--kills", type=int, default=0, help="start no round after so many kills")
    parser.add_argument("--folder", type=Path, help="where folders of rounds are made")
    return parser.parse_args()


def kills(total: Counter[str]) -> int:
    return sum(n for name, n in total.items() if name.startswith("chaos, kills"))


def ages(lags: list[tuple[int, str]]) -> str:
    """How much older than the newest commit the newest state in the bucket was, while things went wrong."""
    ordered = sorted(lags)
    if not ordered:
        return "no age of a newest state was measured"
    p50, p99 = (ordered[round(share * (len(ordered) - 1))][0] for share in (0.5, 0.99))
    return f"age of the newest state in the bucket: p50 {p50} ms, p99 {p99} ms, most {ordered[-1][0]} ms: {ordered[-1][1]}"


def summary(total: Counter[str], lags: list[tuple[int, str]], seconds: float, rounds: int) -> str:
    restores = sum(n for name, n in total.items() if name.startswith(("manager, ", "litestream, ")))
    lines = [f"{rounds} rounds, {seconds / 60:.1f} minutes: {total['transactions']} transactions, {restores} restores "
             f"compared ({restores / seconds * 3600:.0f} an hour), {kills(total)} kills",
             ages(lags)]
    return "\n".join(lines + [f"  {n:8} {name}" for name, n in sorted(total.items())])


def report_problem(plan: Plan, result: Result) -> None:
    print(f"\nVIOLATION in the round of seed {plan.seed} ({plan.store})\n{result.problem}\n"
          f"everything is kept in {plan.folder}:\n"
          f"  problem.txt, manager.log, manager.status.json\n"
          f"  clients/          the databases as they were left\n"
          f"  work/CLIENT/      journal (worker/journal.h says how to read it), logs and snapshots of its applications\n"
          f"  restored/, end/   what was restored\n"
          f"  bucket/           the objects; look at a state with\n"
          f"    litestream restore -txid N -o FILE file://...   (or, for S3 keys: {plan.store})\n"
          f"    oracle_worker_own examine FILE\n"
          f"again: tests/oracle/run --seed {plan.seed} --rounds 1 --store {plan.store} "
          f"--round-seconds {plan.seconds:g} --databases {plan.databases} --chaos {plan.actions_a_second:g} --profile {plan.profile}", flush=True)


def main() -> int:
    arguments = parse()
    seed = arguments.seed if arguments.seed is not None else random.SystemRandom().randrange(1 << 31)
    rounds = arguments.rounds or (1 << 30 if arguments.minutes or arguments.kills else 1)
    parent = Path(tempfile.mkdtemp(prefix="lm-oracle-", dir=arguments.folder))
    started = time.monotonic()
    total: Counter[str] = Counter()
    lags: list[tuple[int, str]] = []
    done = 0
    failed = False
    while (done < rounds and not failed and (not arguments.minutes or time.monotonic() - started < arguments.minutes * 60)
           and (not arguments.kills or kills(total) < arguments.kills)):
        store = arguments.store if arguments.store != "both" else ("s3", "file")[(seed + done) % 2]
        plan = Plan(seed + done, store, arguments.round_seconds, arguments.databases, parent / str(seed + done),
                    arguments.chaos, arguments.profile)
        result = Round(plan).run()
        total.update(result.counts)
        lags += result.lags
        done += 1
        failed = bool(result.problem)
        if failed:
            report_problem(plan, result)
        elif arguments.minutes or arguments.kills:
            print(f"... round {done}, seed {plan.seed} ({store}): {result.counts['transactions']} transactions, "
                  f"{kills(total)} kills so far, "
                  f"{ages(result.lags)}", flush=True)
    if not failed:
        parent.rmdir()
    print(f"first seed {seed}; {summary(total, lags, time.monotonic() - started, done)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
