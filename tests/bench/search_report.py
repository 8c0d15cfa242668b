"""search_report.py - the figures of bench_search.py: noted as they come, kept in a CSV file with
what the machine and the sets were, and as a table of Markdown.
"""
import csv
import datetime
import json
import os
import platform
import sqlite3

HEAD = ["set", "rows", "what", "value", "unit", "goal", "met"]


class Facts:
    def __init__(self):
        self.rows = []
        self.set = self.count = ""

    def of(self, name, count):
        """Figures to come are of this set."""
        self.set, self.count = name, count

    def add(self, what, value, unit, goal="", met=""):
        if met != "":
            met = "yes" if met else "NO"
        text = f"{value:.0f}" if isinstance(value, int) or value >= 1000 else f"{value:.3g}"
        self.rows.append([self.set, self.count, what, text, unit, goal, met])
        print(f"{self.set:10} {what:48} {text:>9} {unit:12} {goal:16} {met}", flush=True)


def head_line(info, packages, rows):
    return (f"# {datetime.date.today()}; {info['cpu']}, {os.cpu_count()} cores; kernel "
            f"{info['kernel']}; contextual {info.get('version', '')}; SQLite "
            f"{sqlite3.sqlite_version}; {', '.join(packages)}; Python "
            f"{platform.python_version()}; make bench-search ROWS={rows}")


def read_csv(path):
    """({set: what it is}, rows) of the file, empty if there is none."""
    about, rows = {}, []
    if os.path.exists(path):
        with open(path, encoding="utf-8", newline="") as file:
            lines = file.read().splitlines()
        for line in lines[1:]:
            if line.startswith("# ") and ": " in line:
                name, text = line[2:].split(": ", 1)
                about[name] = text
        rows = [r for r in csv.reader(l for l in lines if not l.startswith("#"))
                if len(r) == len(HEAD) and r != HEAD]
    return about, rows


def write_csv(path, head, about, rows):
    """`about` {set: what it is} and rows; keeps what the file has of other sets."""
    old_about, old = read_csv(path)
    measured = {row[0] for row in rows}
    about = {**{k: v for k, v in old_about.items() if k not in measured}, **about}
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write(head + "\n")
        for name in sorted(about):
            file.write(f"# {name}: {about[name]}\n")
        csv.writer(file, lineterminator="\n").writerows(
            [HEAD] + [r for r in old if r[0] not in measured] + rows)


def report(head, about, rows):
    """One line of Markdown for each figure, with a column for each set."""
    print(f"\n{head}\n" + "\n".join(f"- {name}: {about[name]}" for name in about) + "\n")
    sets = list(dict.fromkeys(f"{row[0]} ({row[1]})" for row in rows))
    print("| | goal | " + " | ".join(sets) + " |\n|---|---|" + "---|" * len(sets))
    for what in dict.fromkeys(row[2] for row in rows):
        cells = {f"{r[0]} ({r[1]})": f"{r[3]} {r[4]}" + (" (missed)" if r[6] == "NO" else "")
                 for r in rows if r[2] == what}
        goal = next((r[5] for r in rows if r[2] == what and r[5]), "")
        print(f"| {what} | {goal} | " + " | ".join(cells.get(s, "") for s in sets) + " |")


def information(db):
    return json.loads(db.execute("SELECT contextual_info()").fetchone()[0])
