"""Prints name and labels of the tests that ctest would run. The arguments are ctest's."""
import json
import subprocess
import sys

shown = subprocess.run(["ctest", *sys.argv[1:], "--show-only=json-v1"], check=True, capture_output=True, text=True)
for test in json.loads(shown.stdout)["tests"]:
    labels = [p["value"] for p in test.get("properties", []) if p["name"] == "LABELS"]
    print(f"{test['name']:32} {' '.join(labels[0] if labels else [])}")
