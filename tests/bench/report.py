"""report.py - what bench.py found, as tables, CSV files and a chart."""
import datetime
import os
import platform
import statistics
from dataclasses import dataclass

import chart
import peers


def median(values):
    return statistics.median(values)


def cosines(vectors, reference):
    """[mean, least] cosine of two lists of vectors."""
    def length(v):
        return sum(x * x for x in v) ** 0.5

    seen = [sum(x * y for x, y in zip(a, b)) / (length(a) * length(b))
            for a, b in zip(vectors, reference)]
    return [statistics.mean(seen), min(seen)]


def facts(about, peaks, args, wanted):
    """Lines that say when, where and with what."""
    lines = [f"{datetime.date.today()}; {about['cpu']}; {os.cpu_count()} CPUs; "
             f"{platform.system()} {platform.release()}",
             f"sqlite-contextual {about['version']}, kernel {about['kernel']}; "
             f"SQLite {about['sqlite']}; model {os.path.basename(args.model)}; "
             f"medians of {args.rounds} rounds"]
    if peaks:
        lines.append("peak of one core: " + "; ".join(
            f"{kind} {kernel} {value:.0f} {'GOP/s' if kind == 'int8' else 'GFLOP/s'}"
            for (kind, kernel), value in peaks.items()))
    if args.compare:
        there = [p.replace("==", " ") for name in wanted if name not in args.missing
                 for p in peers.PACKAGES[name]]
        lines.append("peers: " + ", ".join(dict.fromkeys(there)))
    return lines


def print_table(head, rows):
    table = [head] + [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in table) for i in range(len(head))]
    for row in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


def print_piece(piece, found):
    print(f"\n{piece.title} ({piece.unit})")
    rows = []
    for name, entry in found.items():
        if "error" in entry:
            rows.append([name, "-", entry["error"][:100]])
        else:
            rows.append([name, "%.1f" % median(entry["values"]), entry["ways"]])
    print_table(["engine", piece.unit, "how"], rows)


@dataclass
class Row:
    target: object
    measured: str
    ratio: str
    met: str


def judge(targets, results):
    """A Row for each target."""
    return [judge_one(target, results.get(target.piece, {})) for target in targets]


def judge_one(target, found):
    ours = found.get(target.ours, {"error": "not measured"})
    theirs = found.get(target.theirs, {"error": "not measured"}) if target.theirs else {}
    for entry in (ours, theirs):
        if "error" in entry:
            return Row(target, "-", "-", why_not(entry["error"], entry is ours))
    unit = "%.1f ms" if not target.faster_is_more else "%.1f"
    measured = unit % median(ours["values"])
    if not target.theirs:
        value, ratio = median(ours["values"]), ""
    else:
        value = median([a / b for a, b in zip(ours["values"], theirs["values"])])
        measured += " to " + unit % median(theirs["values"])
        ratio = "%.2f" % value
    met = value >= target.least if target.least is not None else value <= target.most
    return Row(target, measured, ratio,
               "yes" if met else "no: more than the peak" if beyond(target, found) else "no")


def beyond(target, found):
    """Whether the processor would have to do more than it can on registers alone."""
    peak = found.get("peak of one core", {}).get("values")
    if not peak or target.ours != "float32" or not target.least:
        return False
    return target.least * median(found[target.theirs]["values"]) > target.cores * median(peak)


def why_not(error, own):
    """One or two words for the column; the whole sentence stands in the piece's table."""
    if "not installed" in error:
        return "not installed"
    if "not measured" in error:
        return "not measured"
    return "not built" if own else "failed"


def wanted(target):
    if not target.theirs:
        return f"<= {target.most} ms"
    sign = f">= {target.least:g}" if target.least is not None else f"<= {target.most:g}"
    return f"{sign} x {target.theirs}"


HEAD = ["target", "wanted", "measured", "ratio", "met"]


def table_of(rows):
    return [[r.target.text, wanted(r.target), r.measured, r.ratio, r.met] for r in rows]


def print_targets(rows):
    print()
    print_table(HEAD, table_of(rows))
    counts = {kind: sum(r.met.split(":")[0] == kind for r in rows) for kind in ("yes", "no")}
    print(f"{counts['yes']} met, {counts['no']} not met, "
          f"{len(rows) - counts['yes'] - counts['no']} not measured")


def print_profiles(pieces, profiles):
    for (piece, name), lines in profiles.items():
        print(f"\nnot met, where its time goes: {name}, {pieces[piece].title}")
        for line in lines:
            print("  " + line)


def print_agreement(agreement):
    print("\ncosine to sqlite-contextual's float32 embedding (mean, least of the texts)")
    print_table(["engine", "mean", "least"],
                [[name, "%.5f" % mean, "%.5f" % least]
                 for name, (mean, least) in agreement.items()])


def write_csv(path, facts_, head, rows):
    with open(path, "w", encoding="utf-8") as file:
        for line in facts_:
            file.write(f"# {line}\n")
        for row in [head] + rows:
            file.write(",".join(str(cell).replace(",", ";") for cell in row) + "\n")


def record(folder, facts_, pieces, results, rows, agreement, profiles):
    """speed.csv, targets.csv, profiles.txt and speed.svg in `folder`."""
    os.makedirs(folder, exist_ok=True)
    figures = []
    for piece in pieces:
        for name, entry in results.get(piece.name, {}).items():
            values = entry.get("values")
            mean, least = agreement.get(name, ("", ""))
            figures.append(
                [piece.title, name, entry.get("ways", ""),
                 "%.1f" % median(values) if values else "", "%.1f" % min(values) if values else "",
                 "%.1f" % max(values) if values else "", piece.unit,
                 "%.5f" % mean if mean else "", "%.5f" % least if least else "",
                 entry.get("error", "")])
    write_csv(os.path.join(folder, "speed.csv"), facts_,
              ["work", "engine", "how", "median", "least", "most", "unit", "mean cosine",
               "least cosine", "missing because"], figures)
    write_csv(os.path.join(folder, "targets.csv"), facts_, HEAD, table_of(rows))
    with open(os.path.join(folder, "profiles.txt"), "w", encoding="utf-8") as file:
        for (piece, name), lines in profiles.items():
            file.write(f"{name}, {piece}\n" + "".join(f"  {line}\n" for line in lines))
    when, cpu = facts_[0].split("; ")[:2]
    note = f"{when}; {cpu.split(' (')[0]}; {facts_[1].split(', ')[1].split(';')[0]}; " \
        "longer is better"
    model = facts_[1].split("model ")[1].split(";")[0]
    chart.write(os.path.join(folder, "speed.svg"), f"Texts per second, {model}", note, pieces,
                results)
    print(f"\nwritten to {folder}: speed.csv, targets.csv, profiles.txt, speed.svg")
