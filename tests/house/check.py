#!/usr/bin/python3
"""Checks one house rule: check.py RULE [--root DIR]. Prints every complaint; fails if there is one."""
import argparse
import importlib
import pathlib
import sys

from tree import Tree

RULES = ["banned_calls", "documents", "formatting", "hazards", "include_edges", "listed_sources", "machine_paths",
         "sizes"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("rule", choices=RULES)
    parser.add_argument("--root", default=pathlib.Path(__file__).resolve().parents[2])
    arguments = parser.parse_args()
    complaints = importlib.import_module(f"rules.{arguments.rule}").check(Tree(arguments.root))
    for complaint in complaints:
        print(complaint)
    print(f"{arguments.rule}: {len(complaints)} complaints")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
