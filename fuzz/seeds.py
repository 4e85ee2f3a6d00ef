#!/usr/bin/env python3
"""Writes the seeds of the fuzz targets: the programs of a conformance corpus, one of each shape.

    python3 fuzz/seeds.py /path/to/conformance/query.json [more.json ...]

Programs have one shape when they differ only in short names, numbers, operators, blanks and what is in strings; the
shortest is kept. The prefix of bucket ids, which the corpus writes {{p}}, becomes "b": fuzz_targets/query_run.rs has
buckets of such names.
"""

import json
import re
import sys
from pathlib import Path

SEEDS = Path(__file__).resolve().parent / "seeds" / "query_parse"
PREFIX = "b"
# A corpus asks for tens of thousands of repetitions to see whether a server breaks; a fuzzer can repeat by itself.
REPETITIONS = 16
LONGEST = 8 << 10


def line(value):
    """A line of a program; the corpus may ask for a repeated one."""
    if isinstance(value, dict):
        text, times = value["$repeat"]
        return text * min(times, REPETITIONS)
    return value


def programs(corpus):
    """(area, text) of every query."""
    for scenario in corpus:
        for step in scenario["steps"]:
            body = step.get("body")
            lines = body.get("query") if isinstance(body, dict) and "/query" in step["path"] else None
            if isinstance(lines, str):
                lines = [lines]
            if isinstance(lines, list) and all(isinstance(x, str) or "$repeat" in x for x in lines):
                text = "\n".join(map(line, lines)).replace("{{p}}", PREFIX)
                yield scenario["area"], text


def shape(text):
    """What two programs have in common that only differ in details."""
    text = re.sub(r'"(?:\\"|[^"])*"', lambda m: '"\\"' if "\\" in m[0] else '""', text)
    text = re.sub(r"[0-9]+", "0", text)
    text = re.sub(r"\b[a-z][0-9a-z]?\b", "x", text)
    text = re.sub(r"==|[-+*/%]", "+", text)
    return re.sub(r"\s+", "", text)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    shortest = {}
    for path in sys.argv[1:]:
        for area, text in programs(json.loads(Path(path).read_text())):
            key = shape(text)
            if len(text) <= LONGEST and len(text) < len(shortest.get(key, (area, text + "."))[1]):
                shortest[key] = (area, text)
    SEEDS.mkdir(parents=True, exist_ok=True)
    for old in SEEDS.iterdir():
        old.unlink()
    counts = {}
    for area, text in sorted(shortest.values()):
        area = re.sub(r"[^a-z0-9]+", "_", area.lower())
        counts[area] = counts.get(area, 0) + 1
        (SEEDS / f"{area}-{counts[area]:02}").write_text(text)
    print(f"{len(shortest)} seeds in {SEEDS}")


if __name__ == "__main__":
    main()
