#!/usr/bin/env python3
"""Writes the README's table of what was compared with the reference, from the golden tests' run.

    python3 tests/golden/report.py REPORT README

REPORT is what the tests wrote where the environment names it GOLDEN_REPORT, with every kernel:
lines of family, folder, kernel, kind, count, largest error and tolerance. The table has a row for
each family and replaces what stands between README's two marker comments.
"""
import collections
import pathlib
import sys

BEGIN, END = "<!-- models-report: written by make models-report -->", "<!-- end -->"
EXACT = "texts", "tokens", "layers"
NEAR = "hidden states", "attention rows", "embeddings", "log-probabilities"


class Seen:
    """Of one kind, over all folders of a family: the count, the worst over all kernels."""

    def __init__(self):
        self.counts = {}
        self.error, self.share = 0.0, 0.0

    def add(self, folder, count, error, tolerance):
        self.counts[folder] = int(count)
        self.error = max(self.error, float(error))
        if float(tolerance) > 0:
            self.share = max(self.share, float(error) / float(tolerance))

    def count(self):
        return sum(self.counts.values())


def read(path):
    families = collections.defaultdict(lambda: collections.defaultdict(Seen))
    for line in path.read_text().splitlines():
        family, folder, _, kind, *numbers = line.split("\t")
        families[family][kind].add(folder, *numbers)
    return families


def near(seen):
    if not seen.counts:
        return "–"
    return f"{seen.count():,}: {seen.error:.1e} ({100 * seen.share:.0f} %)"


def table(families):
    head = ["family", "checkpoints", *EXACT, *NEAR]
    rows = [head, ["---"] * len(head)]
    for family, kinds in sorted(families.items()):
        folders = {folder for seen in kinds.values() for folder in seen.counts}
        exact = [f"{kinds[kind].count():,}" if kinds[kind].counts else "–" for kind in EXACT]
        rows.append([f"`{family}`", str(len(folders)), *exact,
                     *[near(kinds[kind]) for kind in NEAR]])
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def main(report, readme):
    report, readme = pathlib.Path(report), pathlib.Path(readme)
    text = readme.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN + "\n")
    after = rest[rest.index(END):]
    readme.write_text(f"{before}{BEGIN}\n{table(read(report))}{after}", encoding="utf-8")


main(*sys.argv[1:])
