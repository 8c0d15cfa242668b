#!/usr/bin/env python3
"""bench_search.py - the semantic index beside sqlite-vec and beside plain reads of its codes.

    bench_search.py LIBRARY MODEL BENCH_SCAN [--sets SET,...] [--rows N] [--sentences N]
                    [--rounds N] [--folders DIR...] [--csv FILE]

On each set of vectors of 384 numbers (search_data.py says which there are) it measures

    exact     the ten nearest rows: equal to brute force, warm, beside a streaming read of as many
              bytes as the codes are (BENCH_SCAN is the program made of bench_scan.c) and beside
              vec0; the first question of a process and of a connection; memory, the file's size,
              inserting; what LIMIT, filters and joins cost
    int8, bit codes alone: recall, time, memory, size
    ivf       lists: recall, time, bytes read; the time and memory of 'optimize'

and projects what 10^7 and 10^8 rows would take: bytes by bandwidth. The set "texts" measures
texts that come through triggers. Engines take turns; figures are medians of the rounds.

search_tables.py has the tables, search_worker.py what is done in new processes, search_vec0.py
sqlite-vec, search_index.py the measuring, search_report.py the report. Vectors and databases are
made in build/bench-search; the databases are deleted after use, the vectors are kept. The CSV
keeps its rows of sets that were not measured.
"""
import argparse
import os
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.join(os.path.dirname(os.path.dirname(HERE)), "build", "bench-search")
PACKAGES = ["sqlite-vec==0.1.9", "numpy==2.4.6"]


class Bench:
    def __init__(self, args):
        import search_data
        import search_report
        import search_tables
        self.args = args
        self.tables = search_tables.Tables(args.library, BUILD)
        self.facts = search_report.Facts()
        self.about = {}
        self.sentences = search_data.Sentences(BUILD, args.folders, args.sentences)

    def model(self, path):
        import search_tables
        db = search_tables.connect(path, self.tables.library)
        db.execute("SELECT embed_model('bench', ?)", (os.path.abspath(self.args.model),))
        return db

    def read_sentences(self):
        """Made and embedded once."""
        if not self.sentences.read():
            self.sentences.make(self.model(":memory:"),
                                os.path.basename(os.path.abspath(self.args.model)))

    def stream(self):
        """GB/s of a streaming read, once."""
        done = subprocess.run([self.args.bench_scan], check=True, capture_output=True,
                              text=True).stdout
        return float(done.split(",")[5])

    def one_set(self, name):
        import search_data
        import search_index as index
        import search_vec0
        self.read_sentences()
        vectors, questions, self.about[name] = search_data.make_set(
            BUILD, name, self.args.rows, self.sentences)
        self.facts.of(name, len(vectors))
        m = index.Measured(self.tables, self.facts, self.args.rounds, vectors, questions)
        index.inserting(m)
        ours = index.make_exact(m)
        m.answers = search_data.true_answers(ours, vectors, questions)
        index.equality(m, ours)
        index.first_question(m)
        vec0 = search_vec0.Vec0(self.tables.path("vec0"), vectors)
        index.warm(m, ours, vec0, self.stream)
        vec0.close()
        index.filters(m, ours)
        ours.close()
        self.tables.remove("ours")
        for kind in ("int8", "bit"):
            index.codes_alone(m, kind)
        index.lists(m, name == "real" or (name == "clustered" and m.full))
        index.projections(m)

    def texts(self):
        """Texts that come through triggers, beside embed_query."""
        self.read_sentences()
        texts, rounds, count = self.sentences.texts, self.args.rounds, 2000
        self.facts.of("texts", count)
        self.about["texts"] = f"{count} of the sentences that the set real is made of, each time"
        self.tables.remove("texts")
        db = self.model(self.tables.path("texts"))
        db.executescript("""
            CREATE TABLE waiting(id INTEGER PRIMARY KEY, body);
            CREATE TABLE article(id INTEGER PRIMARY KEY, body);
            CREATE VIRTUAL TABLE s USING semantic(body, content='article', content_rowid='id',
                                                  model='bench');
            INSERT INTO s(s) VALUES ('triggers');""")
        through, plain = [], []
        for i in range(rounds + 1):
            pick = [texts[j::2 * rounds + 2][:count] for j in (2 * i, 2 * i + 1)]
            plain.append(self.embed_waiting(db, pick[0]))
            through.append(self.insert(db, pick[1]))
        db.close()
        self.tables.remove("texts")
        ratio = statistics.median(a / b for a, b in zip(through[1:], plain[1:]))
        self.facts.add("embed_query", statistics.median(plain[1:]), "texts/s")
        self.facts.add("inserting through triggers", statistics.median(through[1:]), "texts/s")
        self.facts.add("inserting, of embed_query", ratio, "times", ">= 0.95", ratio >= .95)

    @staticmethod
    def embed_waiting(db, texts):
        db.execute("DELETE FROM waiting")
        db.executemany("INSERT INTO waiting(body) VALUES (?)", ((t,) for t in texts))
        begin = time.perf_counter()
        db.execute("SELECT count(embedding) FROM embed_query('SELECT id, body FROM waiting', "
                   "'bench')").fetchall()
        return len(texts) / (time.perf_counter() - begin)

    @staticmethod
    def insert(db, texts):
        begin = time.perf_counter()
        db.execute("BEGIN")
        db.executemany("INSERT INTO article(body) VALUES (?)", ((t,) for t in texts))
        db.execute("COMMIT")
        return len(texts) / (time.perf_counter() - begin)


def run(args):
    import search_data
    import search_report
    os.makedirs(BUILD, exist_ok=True)
    there = search_data.SETS + ("texts",)
    chosen = args.sets.split(",") if args.sets else there
    for name in chosen:
        if name not in there:
            sys.exit(f"bench_search: there is no set {name!r}; there are {', '.join(there)}")
    bench = Bench(args)
    head = search_report.head_line(search_report.information(bench.model(":memory:")), PACKAGES,
                                   args.rows)
    begin = time.time()
    for name in chosen:
        if name == "texts":
            bench.texts()
        else:
            bench.one_set(name)
        if args.csv:
            search_report.write_csv(args.csv, head, bench.about, bench.facts.rows)
        print(f"{name}: {time.time() - begin:.0f} s since the start", flush=True)
    search_report.report(head, bench.about, bench.facts.rows)


def inside_venv():
    """Goes on in the venv, which is made where there is none."""
    python = os.path.join(BUILD, "venv", "bin", "python")
    if os.path.abspath(sys.executable) == python:
        return
    marker = os.path.join(BUILD, "venv", "installed")
    if not os.path.exists(marker):
        made = subprocess.run([sys.executable, "-m", "venv", os.path.dirname(marker)])
        if made.returncode or subprocess.run(
                [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
                + PACKAGES).returncode:
            sys.exit(f"bench_search: {' and '.join(PACKAGES)} can't be installed")
        with open(marker, "w", encoding="utf-8") as file:
            file.write(" ".join(PACKAGES))
    os.execv(python, [python] + sys.argv)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("library")
    parser.add_argument("model")
    parser.add_argument("bench_scan")
    parser.add_argument("--sets")
    parser.add_argument("--rows", type=int, default=1000000)
    parser.add_argument("--sentences", type=int, default=100000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folders", nargs="*")
    parser.add_argument("--csv")
    args = parser.parse_args()
    inside_venv()
    run(args)


if __name__ == "__main__":
    main()
