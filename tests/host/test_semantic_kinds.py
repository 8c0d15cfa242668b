"""Semantic indexes of all kinds against an oracle (semantic_oracle.py): random operations, several
connections, two processes (semantic_walk.py).

    CONTEXTUAL_LIBRARY=./contextual.so /usr/bin/python3 tests/host/test_semantic_kinds.py [TEST...]
    OPERATIONS=100000 SEED=7 ... the same, for longer: so many on each file of indexes

What an approximate index gives must be rows that there are, each once, at their very distances, in
order, as many as are wanted; and the exact answer where all its lists are read.
"""
import os
import sqlite3
import sys
import unittest

import case
from semantic_oracle import (CAN, WORDS_ANEW, Kind, by_words, distances, drawn_form, fused, made,
                             schema_of, vector_of)
from semantic_statements import (backup, change_found, change_many_ids, many_questions, one_question,
                                 rename_content)
from semantic_walk import Walk, is_busy, last, walk_all

OPERATIONS = int(os.environ.get("OPERATIONS", 600))
SEED = int(os.environ.get("SEED", 1))
# FTS5 of SQLite 3.44 answers "SQL logic error" where a transaction renames a table twice, or makes
# one again that ROLLBACK TO took back.
FTS5_FAILS = CAN[:2] == (3, 44)

VECTORS = {
    "dots": Kind("", metric="dot"),
    "bare": Kind("", content="none", metric="dot"),
    "dot8": Kind(", quantize='int8'", metric="dot", codes=0.99),
    "far8": Kind(", quantize='int8'", metric="l2", codes=0.99, content="none"),
    "dot1": Kind(", quantize='bit'", metric="dot", codes=0.3),
    "other.far1": Kind(", quantize='bit'", metric="l2", codes=0.3),
}
LISTS = {
    "near": Kind(", index='ivf'", lists=True, ids=3200, rows=3000),
    "other.bare": Kind(", index='ivf'", content="none", metric="dot", lists=True, ids=2600, rows=2400),
    "far8": Kind(", index='ivf', quantize='int8'", metric="l2", codes=0.99, lists=True, ids=2600,
                 rows=2400),
    "bits": Kind(", index='ivf', quantize='bit'", codes=0.3, lists=True, ids=2600, rows=2400),
}
TEXTS = {
    "plain": Kind("", model=True, metric="l2"),
    "bare": Kind("", content="none", model=True),
    "keyed": Kind("", content="keyed", model=True, metric="dot"),
    "seen": Kind("", content="view", model=True),
    "other.away": Kind("", content="table", model=True),
    "waits": Kind(", embed='manual'", model=True, manual=True),
}
CHUNKS = {
    "cut": Kind(", chunk=12, overlap=4", model=True, chunks=True, ids=14),
    "other.cut8": Kind(", chunk=10, quantize='int8'", model=True, chunks=True, ids=14,
                       content="table"),
    "cut1": Kind(", chunk=8, overlap=2, quantize='bit'", model=True, chunks=True, ids=14,
                 content="none", metric="dot"),
    "late": Kind(", chunk=12, overlap=4, late=1", model=True, chunks=True, ids=14, metric="l2"),
    "both": Kind(", chunk=12", model=True, chunks=True, ids=14, words="own"),
    "probed": Kind(", chunk=12, index='ivf'", model=True, chunks=True, ids=14, content="keyed"),
}
WORDY = {
    "own": Kind("", model=True, words="own"),
    "long": Kind("", model=True, words="own", ids=1060, rows=1010),
    "other.away": Kind("", model=True, words="own", content="table", metric="dot"),
    "beside": Kind("", model=True, words="beside", metric="l2"),
    "mirror": Kind("", model=True, words="mirror", content="table"),
    "eight": Kind(", quantize='int8'", model=True, words="own", codes=0.99),
}


class Kinds(Walk):
    KINDS = None

    def __init__(self, random_, connections):
        super().__init__(random_, connections)
        for db in connections:
            if any(kind.words for kind in self.KINDS.values()):
                db.run(WORDS_ANEW)

    # ---- What rows are made of ----

    def some_vector(self, kind):
        if self.random.random() < 0.03:
            return bytes(4 * kind.dimensions)  # no direction
        return self.vector(kind.dimensions)

    def some_text(self, kind):
        r = self.random
        if r.random() < 0.04:
            # The same to an index, and another value to a table: of rows that bring vectors, one.
            return None if kind.content == "own" else ""
        if not kind.chunks:
            return self.body()
        return ". ".join(self.body().capitalize() for _ in range(r.randint(1, 10)))

    def some_row(self, kind):
        """(vector, body)"""
        if not kind.model:
            vector = None if self.random.random() < 0.03 else self.some_vector(kind)
            return vector, self.body() if vector else None
        if kind.external or kind.chunks or self.random.random() < 0.8:
            return None, self.some_text(kind)
        return self.vector(kind.dimensions), self.some_text(kind)

    def fill(self, db):
        """What the indexes begin with."""
        db.execute("BEGIN")
        for name, kind in self.KINDS.items():
            for id_ in range(1, kind.rows + 1):
                row = (*self.some_row(kind), id_)
                db.execute(f"INSERT INTO {name}_truth(vector, body, id) VALUES(?, ?, ?)", row)
            if kind.rows and not kind.external:
                db.execute(f"INSERT INTO {name}(vector, body, rowid) "
                           f"SELECT vector, body, id FROM {name}_truth")
            if kind.lists and kind.rows:
                db.execute(f"INSERT INTO {name}({last(name)}) VALUES('optimize')")
        db.execute("COMMIT")

    # ---- Changes ----

    def change(self, at, db):
        r = self.random
        name = r.choice(list(self.KINDS))
        kind = self.KINDS[name]
        if r.random() < 0.03:
            r.choice((self.made_anew, self.renamed, self.emptied, self.several))(at, db, name, kind)
        elif r.random() < 0.06:
            self.change_otherwise(at, db, name, kind)
        elif kind.external:
            self.change_content(at, db, name, kind)
        else:
            self.change_rows(at, db, name, kind)
        self.follow(db, name, kind)

    def change_otherwise(self, at, db, name, kind):
        if not kind.external:
            change = change_found if self.random.random() < 0.5 and not kind.manual else change_many_ids
            change(self, at, db, name, kind)
        elif kind.content != "view" and kind.words != "mirror":
            rename_content(self, at, db, name, kind)

    def follow(self, db, name, kind):
        """What the user has to keep in step."""
        if kind.words == "beside":
            words = f"{name}_words"
            db.run(f"DELETE FROM {words} WHERE rowid NOT IN (SELECT id FROM {name}_truth)")
            db.run(f"INSERT OR REPLACE INTO {words}(rowid, body) SELECT t.id, t.body FROM "
                   f"{name}_truth AS t LEFT JOIN {words} AS w ON w.rowid = t.id "
                   f"WHERE w.rowid IS NULL OR w.body IS NOT t.body")

    def change_rows(self, at, db, name, kind):
        """Of a table that is written itself: the same statement on X_truth."""
        r, table = self.random, name + "_truth"
        what = r.random()
        id_ = r.randint(1, kind.ids)
        if what < 0.5:
            verb = r.choice(("INSERT", "INSERT OR REPLACE", "INSERT OR REPLACE", "INSERT OR IGNORE",
                             "INSERT OR FAIL"))
            into = "(vector, body, {}) VALUES(?, ?, ?)"
            self.both(at, db, f"{verb} INTO {table}{into.format('id')}",
                      f"{verb} INTO {name}{into.format('rowid')}", *self.some_row(kind), id_)
        elif what < 0.62:
            high = id_ + r.choice((0, 0, 3))
            self.both(at, db, f"DELETE FROM {table} WHERE id BETWEEN {id_} AND {high}",
                      f"DELETE FROM {name} WHERE rowid BETWEEN {id_} AND {high}")
        elif what < 0.72:
            verb, to = r.choice(("UPDATE", "UPDATE OR REPLACE", "UPDATE OR IGNORE")), r.randint(1, kind.ids)
            self.both(at, db, f"{verb} {table} SET id = {to} WHERE id = {id_}",
                      f"{verb} {name} SET rowid = {to} WHERE rowid = {id_}")
        elif kind.model and what < 0.92:
            # A vector that was brought goes with the text that it came with.
            self.both(at, db, f"UPDATE {table} SET vector = CASE WHEN body IS ?1 THEN vector END, "
                      f"body = ?1 WHERE id = {id_}",
                      f"UPDATE {name} SET body = ?1 WHERE rowid = {id_}", self.some_text(kind))
        elif kind.chunks:
            return
        elif kind.model and kind.content == "own":
            self.both(at, db, f"UPDATE {table} SET vector = ? WHERE id = {id_}",
                      f"UPDATE {name} SET vector = ? WHERE rowid = {id_}",
                      r.choice((None, self.vector(kind.dimensions))))
        else:  # content='' has forgotten the text that goes with a vector
            self.both(at, db, f"UPDATE {table} SET vector = ?, body = ? WHERE id = {id_}",
                      f"UPDATE {name} SET vector = ?, body = ? WHERE rowid = {id_}",
                      *self.some_row(kind))

    def change_content(self, at, db, name, kind):
        """Of external content: its triggers see to the index."""
        r, id_ = self.random, self.random.randint(1, kind.ids)
        table = name + ("_base" if kind.content == "view" else "_truth")
        verbs = ["INSERT", "INSERT OR IGNORE"] + ["INSERT OR REPLACE"] * 2 * (kind.words != "mirror")
        what, body = r.random(), self.some_text(kind)
        if what < 0.45 and kind.content == "keyed":
            sql = f"{r.choice(verbs)} INTO {table}(k, id, body) VALUES(?, ?, ?)"
            parameters = (str(r.randint(1, 40)), id_, body)
        elif what < 0.45:
            sql, parameters = f"{r.choice(verbs)} INTO {table}(id, body) VALUES(?, ?)", (id_, body)
        elif what < 0.55:
            first = "k, " if kind.content == "keyed" else ""
            sql = (f"INSERT INTO {table}({first}id, body) VALUES({first and '?1, '}?1, ?2) "
                   "ON CONFLICT(id) DO UPDATE SET body = excluded.body")
            parameters = (id_, body)
        elif what < 0.75:
            sql, parameters = f"DELETE FROM {table} WHERE id BETWEEN ? AND ?", (id_, id_ + r.choice((0, 2)))
        elif what < 0.92:
            sql, parameters = f"UPDATE {table} SET body = ? WHERE id = ?", (body, id_)
        else:
            verb = r.choice(("UPDATE", "UPDATE OR IGNORE") +
                            ("UPDATE OR REPLACE",) * (kind.words != "mirror"))
            sql, parameters = f"{verb} {table} SET id = ? WHERE id = ?", (r.randint(1, kind.ids), id_)
        outcome = "done"
        try:
            db.run(sql, *parameters)
        except sqlite3.IntegrityError:
            outcome = "conflict"
        self.say(f"{at}: {sql} {parameters} {outcome}")

    def several(self, at, db, name, kind):
        """Rows in one statement, of which one may be in the way of the rest."""
        if kind.external:
            return
        r = self.random
        verb = r.choice(("INSERT", "INSERT OR REPLACE", "INSERT OR IGNORE", "INSERT OR FAIL"))
        rows = [(*self.some_row(kind), r.randint(1, kind.ids)) for _ in range(4)]
        marks = ", ".join(["(?, ?, ?)"] * 4)
        self.both(at, db, f"{verb} INTO {name}_truth(vector, body, id) VALUES{marks}",
                  f"{verb} INTO {name}(vector, body, rowid) VALUES{marks}", *sum(rows, ()))

    def made_anew(self, at, db, name, kind):
        if kind.words == "own" and FTS5_FAILS:
            return
        self.say(f"{at}: {name} is made anew")
        db.run(f"DROP TABLE {name}")
        db.run(made(name, kind))
        db.run(f"UPDATE {name}_set SET meaning = 1, words = 1")
        if not kind.external:
            db.run(f"INSERT INTO {name}(rowid, body, vector) SELECT id, body, vector FROM {name}_truth")
            if kind.manual:
                db.run(f"DELETE FROM {name}_stored")
            return
        if kind.content != "view":
            db.run(f"INSERT INTO {name}({last(name)}) VALUES('triggers')")
        db.run(f"INSERT INTO {name}({last(name)}) VALUES('{self.random.choice(('rebuild', 'sync'))}')")

    def renamed(self, at, db, name, kind):
        """To another name, changed there, and back."""
        schema = name.rpartition(".")[0]
        moved = schema + "." * bool(schema) + "moved"
        if kind.content == "view" or (kind.words == "own" and FTS5_FAILS):
            return  # the triggers of a view are the user's
        self.say(f"{at}: {name} is renamed")
        db.run(f"ALTER TABLE {name} RENAME TO moved")
        db.run(f"DELETE FROM {name}_truth WHERE id % 7 = 1")
        if not kind.external:
            db.run(f"DELETE FROM {moved} WHERE rowid % 7 = 1")
        db.run(f"ALTER TABLE {moved} RENAME TO {last(name)}")

    def emptied(self, at, db, name, kind):
        if kind.external or kind.rows or kind.manual:
            return
        self.say(f"{at}: {name} delete-all")
        db.run(f"INSERT INTO {name}({last(name)}) VALUES('delete-all')")
        db.run(f"DELETE FROM {name}_truth")

    # ---- Commands ----

    def command(self, at):
        r, db = self.random, self.connections[at]
        name = r.choice(list(self.KINDS))
        kind = self.KINDS[name]
        if r.random() < 0.05 and not self.open[at]:
            what = r.choice(("VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)", "backup"))
            self.say(f"{at}: {what}")
            if what == "backup":
                backup(self, at, db)
            else:
                self.attempt(db, what)
            return
        words = ["optimize", "sync", "integrity-check", "rebuild"]
        words += ["weights"] * bool(kind.words) + ["probes", "optimize"] * kind.lists
        if kind.rows < 1000 or r.random() < 0.1:
            words += ["rebuild", "rebuild"]
        word = r.choice(words)
        number = None
        if word in ("optimize", "rebuild", "sync") and not kind.manual:
            number = r.choice((None, 5, 20)) if kind.rows < 1000 else r.choice((None, 300, 1000))
        elif word == "probes":
            number = r.choice((0, 1, 1, 2, 3, 100))
        elif word == "weights":
            number = r.choice(("1,1", "1,0.5", "0.25,1", "0,1", "1,0"))
        self.say(f"{at}: {name} {word} {number}")
        alone = not self.open[at] and (word == "weights" or kind.manual)
        if alone and not self.attempt(db, "BEGIN IMMEDIATE"):
            return
        done = self.attempt(db, f"INSERT INTO {name}({last(name)}, rank) VALUES(?, ?)", word, number)
        if done and word == "weights":
            meaning, words = number.split(",")
            db.run(f"UPDATE {name}_set SET meaning = {meaning}, words = {words}")
        if done and kind.manual and word in ("sync", "rebuild"):
            db.run(f"DELETE FROM {name}_stored")
            db.run(f"INSERT INTO {name}_stored SELECT id, {vector_of(kind)} FROM {name}_truth")
        if alone and not self.attempt(db, "COMMIT"):
            db.run("ROLLBACK")

    # ---- Questions ----

    def question(self, at):
        """In one snapshot: the question to the index, and what it has to answer."""
        r, db = self.random, self.connections[at]
        name = r.choice(list(self.KINDS))
        if not self.open[at]:
            db.run("BEGIN")
        try:
            self.ask(at, db, name, self.KINDS[name])
        except sqlite3.OperationalError as error:
            if not is_busy(error):
                raise
            self.busy += 1
        if not self.open[at]:
            self.attempt(db, "COMMIT") or db.run("ROLLBACK")

    def some_question(self, kind):
        r = self.random
        if kind.model and r.random() < 0.8:
            return " ".join(r.choice((w, w, w.upper(), f'"{w}')) for w in self.body().split())
        return self.vector(kind.dimensions)

    def ranked(self, db, name, kind, question):
        """What is near, in order; what words find, best first; what that makes of all rows."""
        near, found = sorted(distances(db, name, kind, question)), None
        if not kind.words:
            return near, found, near
        if isinstance(question, str):
            found = by_words(db, name, question)
        return near, found, fused(db, name, near, found, lambda d, i: True)

    def ask(self, at, db, name, kind):
        r = self.random
        question = self.some_question(kind)
        near, found, ranked = self.ranked(db, name, kind, question)
        if r.random() < 0.25 and (not kind.lists or self.reads_all(db, name)):
            self.ask_otherwise(at, db, name, kind, question, ranked)
            return
        columns = ("rank, rowid, distance, semantic_rank, bm25_rank" if kind.words else
                   r.choice(("distance, rowid", "rowid, distance")))
        form = drawn_form(r, kind, near, ranked, columns)
        if kind.words:
            rows = fused(db, name, near, found, form.passes)
        else:
            rows = [row for row in near if form.passes(*row)]
        rows = form.cut(rows)
        sql = form.sql(name, columns)
        self.say(f"{at}: {sql} <- {question if isinstance(question, str) else '...'} {form.values}")
        answer = db.run(sql, question, *form.values)
        if columns == "rowid, distance":
            answer = [row[::-1] for row in answer]
        if kind.lists and not self.reads_all(db, name):
            self.compare_some(sql, answer, rows, near, form)
        elif answer != rows:
            differ = next((i for i, (a, b) in enumerate(zip(answer, rows)) if a != b),
                          min(len(answer), len(rows)))
            raise AssertionError(f"{sql}\n{len(answer)} rows, expected {len(rows)}; from {differ} on\n"
                                 f"index    {answer[differ:][:20]}\nexpected {rows[differ:][:20]}")
        self.compared += 1
        if kind.chunks:
            self.best_chunks(at, db, name, kind, question)

    def ask_otherwise(self, at, db, name, kind, question, ranked):
        if self.random.random() < 0.8:
            one_question(self, at, db, name, kind, question, ranked)
        else:
            more = [self.some_question(kind) for _ in range(2)]
            rows = [ranked] + [self.ranked(db, name, kind, other)[2] for other in more]
            many_questions(self, at, db, name, kind, [question, *more], rows)
        self.compared += 1

    def reads_all(self, db, name):
        """Whether questions read all lists of an approximate index."""
        schema = name.rpartition(".")[0] or "main"
        (lists, probes, share), = db.run('SELECT lists, probes, share FROM semantic_status WHERE '
                                         'schema = ? AND "index" = ?', schema, last(name))
        return lists is None or (probes >= lists if probes else share is None)

    def compare_some(self, sql, answer, rows, near, form):
        near = set(near)
        ids = [row[1] for row in answer]
        wrong = [row for row in answer if row not in near or not form.passes(*row) or
                 (form.page and row <= form.page)]
        read_on = not form.order and (form.call or form.beside is not None)
        in_order = read_on or answer == sorted(answer)
        # Beside k come those that its lists have.
        found, wanted = ([row[0] != form.beside for row in some] for some in (answer, rows))
        missing = sum(found) != sum(wanted)
        if form.read_on and form.order:  # as the README says
            missing = sum(found) > sum(wanted)
        if wrong or len(set(ids)) < len(ids) or not in_order or missing:
            raise AssertionError(f"{sql}\n{sum(found)} of {len(answer)} rows, expected {sum(wanted)} of "
                                 f"{len(rows)}; in order: {in_order}, wrong {wrong[:20]}\n{answer[:30]}")

    def best_chunks(self, at, db, name, kind, question):
        """A row's distance is that of the vector that it shows, and the text that it shows is
        where it says."""
        measure = {"cosine": "cosine_distance({}, {})", "l2": "l2_distance({}, {})",
                   "dot": "-dot({}, {})"}[kind.metric]
        asked = "?1" if isinstance(question, bytes) else "embed(?1, 'tiny', '{\"prompt\":\"query\"}')"
        for id_, distance, shown, start, length in db.run(
                f"SELECT rowid, distance, {measure.format('vector', asked)}, chunk_start, chunk_length "
                f"FROM {name} WHERE {last(name)} MATCH ?1 LIMIT 5", question):
            if distance != shown:
                raise AssertionError(f"{name}: row {id_} at {distance}, its vector at {shown}")
            (size,), = db.run(f"SELECT length(body) FROM {name}_truth WHERE id = {id_}")
            if not (1 <= start and length >= 1 and start + length - 1 <= size):
                raise AssertionError(f"{name}: row {id_}: chunk {start}, {length} of {size}")

    def cursor(self, at):
        """An answer is the state at the question, whatever its connection writes while it is
        read."""
        r, here = self.random, self.connections[at]
        names = [name for name, kind in self.KINDS.items()
                 if not (kind.external or kind.words or kind.chunks or kind.manual)]
        if not hasattr(here, "db") or not self.open[at] or not names:
            return
        name = r.choice(names)
        kind = self.KINDS[name]
        question = self.vector(kind.dimensions)
        try:
            near = sorted(distances(here, name, kind, question))
            exact = not kind.lists or self.reads_all(here, name)
            self.say(f"{at}: reads {name} and writes")
            rows = here.db.execute(f"SELECT distance, rowid FROM {name} WHERE {last(name)} MATCH ?",
                                   (question,))
            answer = rows.fetchmany(r.randint(1, 70))
            for _ in range(r.randint(1, 4)):
                if not self.attempt(here, f"UPDATE {name}_set SET id = id WHERE 0"):
                    break
                self.change_rows(at, here, name, kind)
                if r.random() < 0.5:
                    here.run(f"SELECT count(*) FROM {name} WHERE {last(name)} MATCH ?", question)
            answer += rows.fetchall()
        except sqlite3.OperationalError as error:
            if not is_busy(error):
                raise
            self.busy += 1
            return
        if (answer if exact else sorted(answer)) != near:
            raise AssertionError(f"{name}: {len(answer)} rows, expected {len(near)}, of one question "
                                 f"while rows changed:\n{answer[:40]}\n{near[:40]}")

    def rows(self, at):
        """Without a question: every row, its text and its vector."""
        r, db = self.random, self.connections[at]
        if not self.open[at]:
            db.run("BEGIN")
        try:
            for name, kind in self.KINDS.items():
                if kind.rows < 1000 or r.random() < 0.2:
                    self.say(f"{at}: all rows of {name}")
                    self.compare_rows(db, name, kind)
        except sqlite3.OperationalError as error:
            if not is_busy(error):
                raise
            self.busy += 1
        if not self.open[at]:
            self.attempt(db, "COMMIT") or db.run("ROLLBACK")

    def compare_rows(self, db, name, kind):
        body = "NULL" if kind.content == "none" else "body"
        own, vector = "vector", vector_of(kind)
        if kind.codes or kind.chunks:
            own, vector = "vector IS NULL", f"({vector}) IS NULL"
        if kind.manual:
            own = vector = "0"
        answer = db.run(f"SELECT rowid, body, {own} FROM {name} ORDER BY rowid")
        expected = db.run(f"SELECT id, {body}, {vector} FROM {name}_truth ORDER BY id")
        if answer != expected:
            wrong = sorted(set(answer) ^ set(expected), key=lambda row: row[0])
            raise AssertionError(f"{name}: rows {[row[:2] for row in wrong[:20]]} of the index or of "
                                 f"the table alone\n{wrong[:6]}")
        if kind.codes:
            worst = db.run(f"SELECT min(cosine(i.vector, {vector_of(kind)})) FROM {name} AS i JOIN "
                           f"(SELECT id, body, vector AS v FROM {name}_truth) AS t ON t.id = i.rowid"
                           .replace("(i.vector, " + vector_of(kind),
                                    "(i.vector, " + vector_of(kind).replace("vector", "t.v")
                                    .replace("body", "t.body")))[0][0]
            if worst is not None and worst < kind.codes:
                raise AssertionError(f"{name}: a row's code has a cosine of {worst} to its vector")
        id_ = self.random.randint(1, kind.ids)
        if db.run(f"SELECT rowid, body, {own} FROM {name} WHERE rowid = {id_}") != [
                row for row in expected if row[0] == id_]:
            raise AssertionError(f"{name}: row {id_} by its id is another")

    # ---- All ----

    def step(self):
        r = self.random
        at = r.randrange(len(self.connections))
        kind = r.random()
        if kind < 0.18:
            self.transact(at)
        elif kind < 0.62:
            self.write(at, f"{next(iter(self.KINDS))}_set")
        elif kind < 0.67:
            self.command(at)
        elif kind < 0.69:
            self.rows(at)
        elif kind < 0.71:
            self.cursor(at)
        else:
            self.question(at)


class SemanticKinds(unittest.TestCase):
    def walk(self, kinds, share=1):
        walks = type("Kinds", (Kinds,), {"KINDS": kinds, "indexes": tuple(kinds)})
        schema = "".join(schema_of(name, kind) for name, kind in kinds.items())
        for journal in "WAL", "DELETE":
            filler = walks(__import__("random").Random(f"{SEED} fill"), [])
            walk = walk_all(self, walks, schema, SEED, journal, OPERATIONS // (2 * share), filler.fill)
            self.assertGreater(walk.compared, OPERATIONS // (40 * share))

    def test_vectors_of_every_metric_and_code(self):
        self.walk(VECTORS)

    def test_approximate_indexes(self):
        self.walk(LISTS)

    def test_texts_of_every_content(self):
        self.walk(TEXTS)

    def test_texts_in_chunks(self):
        self.walk(CHUNKS)

    def test_words_and_meaning(self):
        self.walk(WORDY)


if __name__ == "__main__":
    for name in set(vars(SemanticKinds)) & {n for n in vars(SemanticKinds) if n.startswith("test_")}:
        if sys.argv[1:] and not any(word in name for word in sys.argv[1:]):
            delattr(SemanticKinds, name)
    sys.exit(case.run(SemanticKinds))
