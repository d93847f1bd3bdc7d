#!/usr/bin/python3
"""README's tables of flags and the program's own help must agree, and docs/configuration.md must hold the program's own
sample of a configuration file, word by word: flags_documented.py PROGRAM README CONFIGURATION."""
import pathlib
import re
import subprocess
import sys

_HELP_LINE = re.compile(r"^  -([\w-]+)(?: (\S+))?(?:  \(default (.+)\))?$", re.M)
_TABLE_ROW = re.compile(r"^\| `-([\w-]+)(?: ([^`]+))?` \| (?:`([^`]+)`)?", re.M)


def flags_of_help(text):
    """{name: (placeholder, default)}"""
    return {name: (placeholder, default) for name, placeholder, default in _HELP_LINE.findall(text)}


def flags_of_table(text):
    return {name: (placeholder.replace("\\|", "|"), default) for name, placeholder, default in _TABLE_ROW.findall(text)}


def differences(program, table):
    for name in sorted(program.keys() | table.keys()):
        if name not in table:
            yield f"-{name} is missing in the table"
        elif name not in program:
            yield f"-{name} is in the table, but the program does not know it"
        elif program[name] != table[name]:
            yield f"-{name}: the program says {program[name]}, the table {table[name]}"


def sample_in(document):
    """What stands in the last block of TOML."""
    return document.rpartition("```toml\n")[2].partition("```")[0]


def main():
    program, readme, configuration = sys.argv[1:]
    known = {}
    for command in (["-help"], ["restore", "-help"], ["fork", "-help"], ["points", "-help"], ["takeover", "-help"],
                    ["query", "-help"],
                    ["explain", "-help"], ["restore-all", "-help"], ["verify", "-help"],
                    ["pin", "-help"], ["unpin", "-help"], ["pins", "-help"],
                    ["retention", "-help"], ["purge", "-help"], ["audit", "-help"]):
        shown = subprocess.run([program, *command], check=True, capture_output=True, text=True).stdout
        known.update(flags_of_help(shown))
    found = list(differences(known, flags_of_table(pathlib.Path(readme).read_text())))
    for difference in found:
        print(f"{readme}: {difference}")
    sample = subprocess.run([program, "explain", "-sample"], check=True, capture_output=True, text=True).stdout
    if sample_in(pathlib.Path(configuration).read_text()) != sample:
        found.append("the sample is not what the program prints")
        print(f"{configuration}: the block behind ```toml is to be what `litestream-manager explain -sample` prints")
    print(f"{len(known)} flags, {len(found)} differences")
    return 1 if found or not known else 0


if __name__ == "__main__":
    sys.exit(main())
