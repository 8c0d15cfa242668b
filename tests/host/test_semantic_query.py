"""Questions to a semantic index against brute force: the same rows in the same order with the same
distances, bit for bit, as cosine_distance, dot and l2_distance give over all vectors.

    CONTEXTUAL_LIBRARY=./contextual.so /usr/bin/python3 tests/host/test_semantic_query.py
"""
import json
import random
import sqlite3
import struct
import sys
import unittest

import case

MEASURE = {"cosine": "cosine_distance(vector, ?1)", "dot": "-dot(vector, ?1)",
           "l2": "l2_distance(vector, ?1)"}


def pack(numbers):
    return struct.pack(f"<{len(numbers)}f", *numbers)


def gaussian(chance, dimensions):
    return [chance.gauss(0, 1) for _ in range(dimensions)]


def random_vectors(chance, count, dimensions):
    return [gaussian(chance, dimensions) for _ in range(count)]


def clustered_vectors(chance, count, dimensions):
    centres = random_vectors(chance, 7, dimensions)
    return [[x + 0.05 * chance.gauss(0, 1) for x in chance.choice(centres)]
            for _ in range(count)]


def tied_vectors(chance, count, dimensions):
    """Few different ones, some of them zero."""
    few = [[float(chance.randint(-1, 1)) for _ in range(dimensions)] for _ in range(9)]
    few.append([0.0] * dimensions)
    return [chance.choice(few) for _ in range(count)]


KINDS = {"random": random_vectors, "clustered": clustered_vectors, "tied": tied_vectors}


class Semantic(case.Connected):
    def fill(self, vectors, metric="cosine", quantize="none", gap=1, name="search"):
        """An index of ready-made vectors; some are deleted and changed, so that slots are free."""
        db = self.db
        db.execute(f"CREATE VIRTUAL TABLE {name} USING semantic(body, model='', "
                   f"metric='{metric}', quantize='{quantize}')")
        db.execute("BEGIN")
        for i, vector in enumerate(vectors):
            db.execute(f"INSERT INTO {name}(rowid, body, vector) VALUES (?, ?, ?)",
                       (i * gap + 1, f"row {i}", pack(vector)))
        db.execute("COMMIT")
        db.execute(f"DELETE FROM {name} WHERE rowid % 11 = 3")
        db.execute(f"UPDATE {name} SET rowid = rowid + 1000000 WHERE rowid % 13 = 5")

    def brute(self, question, metric="cosine", where="1", parameters=()):
        """[(rowid, distance)] nearest first."""
        self.db.execute("CREATE TEMP TABLE IF NOT EXISTS every(id INTEGER PRIMARY KEY, distance)")
        self.db.execute("DELETE FROM temp.every")
        self.db.execute("INSERT INTO temp.every SELECT rowid, "
                        f"{MEASURE[metric]} FROM search", (question,))
        return self.db.execute(
            f"SELECT id, distance FROM temp.every WHERE distance IS NOT NULL AND ({where}) "
            "ORDER BY distance, id", parameters).fetchall()

    def ask(self, question, rest="", parameters=()):
        return self.db.execute(f"SELECT rowid, distance FROM search WHERE search MATCH ? {rest}",
                               (question, *parameters)).fetchall()

    # Exactness

    def check_exact(self, kind, dimensions, metric, quantize, count):
        chance = random.Random(f"{kind} {dimensions} {metric} {quantize}")
        vectors = KINDS[kind](chance, count, dimensions)
        self.db = self.connect()
        self.fill(vectors, metric, quantize)
        for question in (vectors[0], vectors[count // 2], gaussian(chance, dimensions)):
            if not any(question):
                continue
            with self.subTest(kind=kind, dimensions=dimensions, metric=metric,
                              quantize=quantize):
                q = pack(question)
                expected = self.brute(q, metric)
                for k in (1, 3, 10, 200, 10 * count):
                    self.assertEqual(self.ask(q, "AND k = ?", (k,)), expected[:k])
                self.assertEqual(self.ask(q), expected)
                self.assertEqual(self.ask(q, "ORDER BY rank LIMIT 7 OFFSET 5"), expected[5:12])

    def test_equal_to_brute_force_in_every_metric(self):
        for kind in KINDS:
            for metric in MEASURE:
                self.check_exact(kind, 100, metric, "none", 1500)

    def test_equal_to_brute_force_in_every_length(self):
        for kind in KINDS:
            for dimensions, count in ((3, 3000), (8, 700), (384, 1300), (1000, 500)):
                self.check_exact(kind, dimensions, "cosine", "none", count)

    def test_codes_alone_answer_by_what_they_stand_for(self):
        for kind in KINDS:
            for quantize in ("int8", "bit"):
                for metric in MEASURE:
                    self.check_exact(kind, 128, metric, quantize, 1200)

    # Filters

    def test_filters_come_before_k(self):
        chance = random.Random(7)
        vectors = clustered_vectors(chance, 2500, 24)
        self.fill(vectors, gap=3)
        for _ in range(60):
            q = pack(gaussian(chance, 24))
            whole = self.brute(q)
            low, high = sorted(chance.choice(whole)[0] for _ in range(2))
            near, far = sorted(chance.choice(whole)[1] for _ in range(2))
            some = [chance.randint(0, 8000) for _ in range(chance.choice((0, 1, 3, 40, 900)))]
            cases = [
                ("rowid >= {0} AND rowid < {1}", (low, high)),
                ("rowid > {0} AND rowid <= {1}", (low, high)),
                ("rowid BETWEEN {0} AND {1} AND distance < {2}", (low, high, far)),
                ("distance > {0}", (near,)),
                ("distance >= {0} AND distance < {1}", (near, far)),
                ("distance > {0} AND distance <= {1}", (near, far)),
            ]
            if sqlite3.sqlite_version_info >= (3, 38):
                cases.append(("rowid = {0}", (low,)))
                marks = ", ".join(f"{{{i}}}" for i in range(len(some)))
                cases.append((f"rowid IN ({marks})", some))
                cases.append(("rowid IN (SELECT value FROM json_each({0}))", (json.dumps(some),)))
            for text, values in cases:
                marks = ["?"] * len(values)
                for k in (1, 5, 300):
                    with self.subTest(where=text, k=k):
                        expected = self.brute(q, where=text.format(*marks).replace("rowid", "id"),
                                              parameters=values)
                        found = self.ask(q, f"AND k = {k} AND " + text.format(*marks), values)
                        self.assertEqual(found, expected[:k])
                        literal = self.ask(q, f"AND k = {k} AND " +
                                           text.format(*map(repr, values)))
                        self.assertEqual(literal, expected[:k])
                found = self.ask(q, "AND " + text.format(*marks), values)
                self.assertEqual(found, expected)
            expected = self.brute(q, where="id IN (SELECT value FROM json_each(?))",
                                  parameters=(json.dumps(some),))
            for k in (1, 5, 3000):
                self.assertEqual(self.ask(q, "AND k = ? AND among = ?", (k, json.dumps(some))),
                                 expected[:k])
            self.assertEqual(self.ask(q, "AND among = ?", (json.dumps(some),)), expected)

    # Paging

    def pages(self, q, size, clause):
        found, last = [], (-1e300, -1)
        while True:
            page = self.ask(q, clause.format(size=size), last)
            if not page:
                return found
            found += page
            last = (page[-1][1], page[-1][0])

    def test_pages_by_key_lose_nothing(self):
        chance = random.Random(3)
        for kind in ("tied", "random"):
            self.db = self.connect()
            vectors = KINDS[kind](chance, 600, 16)
            self.fill(vectors)
            q = pack(gaussian(chance, 16))
            expected = self.brute(q)
            for size in (4, 10, 97):
                for clause in ("AND (distance, rowid) > (?, ?) ORDER BY rank LIMIT {size}",
                               "AND (distance, rowid) > (?, ?) ORDER BY distance, rowid LIMIT {size}",
                               "AND (rank, rowid) > (?, ?) LIMIT {size}",
                               "AND k = {size} AND (distance, rowid) > (?, ?)",
                               "AND k = {size} AND (distance, rowid) > (?, ?) ORDER BY rank"):
                    with self.subTest(kind=kind, size=size, clause=clause):
                        self.assertEqual(self.pages(q, size, clause), expected)

    def test_pages_of_k_rows_are_full(self):
        chance = random.Random(4)
        self.fill(tied_vectors(chance, 600, 16))
        q = pack(gaussian(chance, 16))
        expected = self.brute(q)
        for at in (0, 4, 150, 300):
            rows = self.ask(q, "AND k = 10 AND (distance, rowid) > (?, ?)",
                            (expected[at][1], expected[at][0]))
            self.assertEqual(rows, expected[at + 1:at + 11])
        rows = self.ask(q, "AND k = 10 AND (distance, rowid) <= (?, ?)",
                        (expected[3][1], expected[3][0]))
        self.assertEqual(rows, expected[:4])

    def test_rows_at_a_lower_bound_are_beside_k_only_where_that_could_be_a_page(self):
        """SQLite shows the same of distance >= ? and of (distance, rowid) > (?, ?)."""
        chance = random.Random(7)
        self.fill(tied_vectors(chance, 600, 16))
        q = pack(gaussian(chance, 16))
        expected = self.brute(q)
        bound = expected[200][1]
        rows = [row for row in expected if row[1] >= bound]
        ties = sum(row[1] == bound for row in rows)
        self.assertGreater(ties, 9)
        tells = sqlite3.sqlite_version_info >= (3, 38)
        for values, literal in ((f"{bound!r}", tells), ("?2", False)):
            where = f"FROM search WHERE search MATCH ?1 AND k = 9 AND distance >= {values}"
            ask = lambda columns: self.db.execute(f"SELECT {columns} {where}",
                                                  (q, bound)[:1 + (values == "?2")]).fetchall()
            found = 9 if literal else ties + 9
            self.assertEqual(ask("distance, rowid"), [row[::-1] for row in rows[:found]])
            for columns in ("rowid, distance", "rowid", "distance", "body", "1",
                            "distance, rowid, body"):
                self.assertEqual(len(ask(columns)), 9, columns)
            self.assertEqual(ask("count(*)"), [(9,)])
            self.assertEqual(ask("rowid, distance"), rows[:9])
            where += " LIMIT 9"
            self.assertEqual(ask("distance, rowid"), [row[::-1] for row in rows[:9]])

    def test_offset_pages_lose_nothing(self):
        chance = random.Random(5)
        self.fill(tied_vectors(chance, 500, 16))
        q = pack(gaussian(chance, 16))
        expected = self.brute(q)
        for order in ("", "ORDER BY rank", "ORDER BY distance, rowid", "ORDER BY score DESC"):
            found = []
            for offset in range(0, len(expected) + 20, 23):
                found += self.ask(q, f"{order} LIMIT 23 OFFSET {offset}")
            self.assertEqual(found, expected)

    def test_other_orders_are_sorted(self):
        chance = random.Random(6)
        self.fill(random_vectors(chance, 400, 16))
        q = pack(gaussian(chance, 16))
        expected = self.brute(q)
        self.assertEqual(self.ask(q, "ORDER BY rank DESC, rowid DESC LIMIT 9"), expected[::-1][:9])
        self.assertEqual(self.ask(q, "AND k = 20 ORDER BY rowid LIMIT 9"), sorted(expected[:20])[:9])
        self.assertEqual(self.ask(q, "AND body LIKE '%7' ORDER BY rank LIMIT 5"),
                         [row for row in expected if self.body(row[0]).endswith("7")][:5])

    def body(self, rowid):
        return self.db.execute("SELECT body FROM search WHERE rowid = ?", (rowid,)).fetchone()[0]

    # Joins

    def test_a_join_takes_k_rows_whatever_comes_first(self):
        chance = random.Random(8)
        self.fill(random_vectors(chance, 800, 16))
        q = pack(gaussian(chance, 16))
        nearest = self.brute(q)[:20]
        self.db.execute("CREATE TABLE articles(id INTEGER PRIMARY KEY, year)")
        self.db.execute("INSERT INTO articles SELECT rowid, 1990 + rowid % 40 FROM search")
        self.db.execute("CREATE INDEX years ON articles(year)")
        recent = [row for row in nearest if 1990 + row[0] % 40 > 2010]
        for analyze in (False, True):
            if analyze:
                self.db.execute("ANALYZE")
            self.assertEqual(self.db.execute(
                "SELECT a.id, s.distance FROM search(?, 20) s JOIN articles a ON a.id = s.rowid "
                "WHERE a.year > 2010 ORDER BY s.rank", (q,)).fetchall(), recent)
            self.assertEqual(self.db.execute(
                "SELECT a.id, s.distance FROM articles a JOIN search(?, 20) s ON a.id = s.rowid "
                "WHERE a.year > 2010 ORDER BY s.distance", (q,)).fetchall(), recent)
            if sqlite3.sqlite_version_info >= (3, 38):
                self.assertEqual(self.db.execute(
                    "SELECT a.id, s.distance FROM articles a LEFT JOIN search(?, 20) s "
                    "ON a.id = s.rowid WHERE a.year > 2010 AND s.distance IS NOT NULL "
                    "ORDER BY s.distance", (q,)).fetchall(), recent)

    @unittest.skipIf(sqlite3.sqlite_version_info < (3, 38), "rowid = beside k needs SQLite 3.38")
    def test_a_subquery_asks_once_for_all_rows_outside(self):
        """... and anew when something was written or rolled back in between."""
        db, chance = self.db, random.Random(31)
        self.fill(random_vectors(chance, 300, 8))
        db.execute("CREATE TABLE a(id INTEGER PRIMARY KEY)")
        db.execute("INSERT INTO a SELECT rowid FROM search")
        ids = [row[0] for row in db.execute("SELECT id FROM a ORDER BY id")]
        q = pack(gaussian(chance, 8))
        sql = ("SELECT id, EXISTS (SELECT 1 FROM search(?1, 40) AS s WHERE s.rowid = a.id) "
               "FROM a ORDER BY id")
        found = {row[0] for row in db.execute("SELECT rowid FROM search(?, 40)", (q,))}
        read = []
        db.set_trace_callback(lambda text: read.append("search_blocks" in text))
        self.assertEqual(db.execute(sql, (q,)).fetchall(), [(i, i in found) for i in ids])
        db.set_trace_callback(None)
        self.assertLess(sum(read), len(ids))

        db.execute("BEGIN")
        rows = db.execute(sql, (q,))
        changes = {20: "SAVEPOINT s", 40: "DELETE FROM search WHERE rowid % 2", 60: "ROLLBACK TO s",
                   80: "DELETE FROM search WHERE rowid % 3 = 0", 100: "ROLLBACK TO s"}
        for count, (i, is_found) in enumerate(rows):
            if count - 1 not in changes: # Python reads a row ahead
                self.assertEqual(is_found, i in found, f"row {count}")
            if count in changes:
                db.execute(changes[count])
                found = {row[0] for row in db.execute("SELECT rowid FROM search(?, 40)", (q,))}
        self.assertEqual(count, len(ids) - 1)
        db.execute("ROLLBACK")

    def test_many_questions_at_once(self):
        chance = random.Random(9)
        vectors = clustered_vectors(chance, 600, 16)
        self.fill(vectors)
        self.db.execute("CREATE TABLE asked(id INTEGER PRIMARY KEY, q)")
        for i in range(25):
            self.db.execute("INSERT INTO asked VALUES (?, ?)", (i, pack(gaussian(chance, 16))))
        found = self.db.execute("SELECT a.id, s.rowid, s.distance FROM asked a, search(a.q, 5) s "
                                "ORDER BY a.id, s.rank").fetchall()
        expected = []
        for i, q in self.db.execute("SELECT id, q FROM asked ORDER BY id").fetchall():
            expected += [(i, *row) for row in self.brute(q)[:5]]
        self.assertEqual(found, expected)

    # What is written while rows are read

    def test_deleting_and_writing_while_reading(self):
        chance = random.Random(10)
        vectors = random_vectors(chance, 1400, 16)
        for size in (1, 64, 65, 700):
            self.db = self.connect()
            self.fill(vectors)
            q = pack(vectors[8])
            expected = self.brute(q)
            cursor = self.db.execute("SELECT rowid, distance FROM search WHERE search MATCH ?", (q,))
            rows = [cursor.fetchone() for _ in range(size)]
            for rowid, _ in expected[::2]:
                self.db.execute("DELETE FROM search WHERE rowid = ?", (rowid,))
            self.db.execute("INSERT INTO search(rowid, body, vector) VALUES (5000000, 'new', ?)", (q,))
            self.assertEqual(self.ask(q, "AND k = 1")[0][0], 5000000)
            rows += cursor.fetchall()
            self.assertEqual(rows, expected)
            left = [row for row in expected if row[0] not in {r[0] for r in expected[::2]}]
            self.assertEqual(self.ask(q)[1:], left)

    def test_deleting_each_row_as_it_comes(self):
        chance = random.Random(11)
        self.fill(random_vectors(chance, 900, 16))
        q = pack(gaussian(chance, 16))
        expected = self.brute(q)
        rows = []
        for row in self.db.execute("SELECT rowid, distance FROM search WHERE search MATCH ?", (q,)):
            rows.append(row)
            self.db.execute("DELETE FROM search WHERE rowid = ?", (row[0],))
        self.assertEqual(rows, expected)
        self.assertEqual(self.ask(q), [])

    def test_all_rows_while_they_are_deleted(self):
        self.fill(random_vectors(random.Random(12), 300, 8))
        expected = [row for row, in self.db.execute("SELECT rowid FROM search").fetchall()]
        rows = []
        for rowid, in self.db.execute("SELECT rowid FROM search"):
            rows.append(rowid)
            self.db.execute("DELETE FROM search WHERE rowid <= ?", (rowid + 5,))
        self.assertEqual(rows, expected)
        self.assertEqual(self.db.execute("SELECT count(*) FROM search").fetchone(), (0,))

    # All rows

    def test_all_rows_without_a_question(self):
        chance = random.Random(13)
        vectors = random_vectors(chance, 200, 8)
        self.db.execute("CREATE VIRTUAL TABLE search USING semantic(body, model='')")
        for i, vector in enumerate(vectors):
            self.db.execute("INSERT INTO search(rowid, body, vector) VALUES (?, ?, ?)",
                            (7 * i - 300, f"row {i}", pack(vector)))
        rows = [(7 * i - 300, f"row {i}", pack(vector), None) for i, vector in enumerate(vectors)]
        select = "SELECT rowid, body, vector, distance FROM search "
        self.assertEqual(self.db.execute(select).fetchall(), rows)
        self.assertEqual(self.db.execute(select + "ORDER BY rowid DESC").fetchall(), rows[::-1])
        self.assertEqual(self.db.execute(select + "WHERE rowid > -20 AND rowid <= 50.5").fetchall(),
                         [row for row in rows if -20 < row[0] <= 50.5])
        self.assertEqual(self.db.execute(select + "WHERE rowid = '-293'").fetchall(), [rows[1]])
        self.assertEqual(self.db.execute(select + "WHERE rowid IN (-300, 1, 7, 50, 57)").fetchall(),
                         [row for row in rows if row[0] in (-300, 1, 7, 50, 57)])
        self.assertEqual(self.db.execute(select + "LIMIT 5 OFFSET 3").fetchall(), rows[3:8])
        self.assertEqual(self.db.execute(select + "ORDER BY rowid DESC LIMIT 5 OFFSET 3").fetchall(),
                         rows[::-1][3:8])

    # External content

    def test_rows_that_the_content_lost_never_count(self):
        db = self.db
        chance = random.Random(14)
        vectors = random_vectors(chance, 300, 8)
        db.execute("CREATE TABLE articles(id INTEGER PRIMARY KEY, body TEXT UNIQUE)")
        db.execute("CREATE VIRTUAL TABLE search USING semantic(body, model='', content='articles', "
                   "content_rowid='id')")
        for i, vector in enumerate(vectors):
            db.execute("INSERT INTO articles VALUES (?, ?)", (i + 1, f"row {i}"))
            db.execute("INSERT INTO search(rowid, body, vector) VALUES (?, ?, ?)",
                       (i + 1, f"row {i}", pack(vector)))
        q = pack(vectors[0])
        expected = self.brute(q)
        db.execute("DELETE FROM articles WHERE id % 3 <> 0")
        left = [row for row in expected if row[0] % 3 == 0]
        for k in (1, 10, 64, 90, 500):
            self.assertEqual(self.ask(q, "AND k = ?", (k,)), left[:k])
        self.assertEqual(self.ask(q), left)
        self.assertEqual(db.execute("SELECT count(*) FROM search").fetchone(), (100,))
        self.assertEqual(self.ask(q, "AND among = '[1,2,3,4,5,6]' AND k = 5"),
                         [row for row in left if row[0] in (3, 6)])

    # Plans

    def plan(self, sql, *parameters):
        return [row[3] for row in self.db.execute("EXPLAIN QUERY PLAN " + sql, parameters)]

    def test_orders_that_need_no_sorting(self):
        self.fill([[1.0, 2.0]])
        match = "SELECT rowid FROM search WHERE search MATCH x'00' "
        for rest in ("ORDER BY rank", "ORDER BY distance", "ORDER BY distance, rowid",
                     "ORDER BY score DESC", "ORDER BY semantic_rank", "AND k = 3 ORDER BY rank",
                     "AND distance < 1 ORDER BY rank LIMIT 3"):
            self.assertFalse([line for line in self.plan(match + rest) if "B-TREE" in line], rest)
        for rest in ("ORDER BY rank DESC", "ORDER BY score", "ORDER BY rowid", "ORDER BY rank, body"):
            self.assertTrue([line for line in self.plan(match + rest) if "B-TREE" in line], rest)
        for order in ("rowid", "rowid DESC"):
            self.assertEqual(len(self.plan("SELECT rowid FROM search ORDER BY " + order)), 1)

    def test_a_search_comes_first_in_a_join(self):
        self.fill([[1.0, 2.0]])
        self.db.execute("CREATE TABLE articles(id INTEGER PRIMARY KEY, body)")
        for tables in ("search s, articles a", "articles a, search s"):
            lines = self.plan(f"SELECT a.id FROM {tables} WHERE s.search MATCH x'00' AND k = 5 "
                              "AND a.id = s.rowid")
            self.assertIn("VIRTUAL TABLE", lines[0])
            self.assertIn("PRIMARY KEY", lines[1])

    # Rows that wait

    def waiting(self):
        return self.db.execute("SELECT count(*) FROM search_pending").fetchone()[0]

    def texts(self, options=""):
        self.db.execute("SELECT embed_model('tiny', ?)", (str(case.TESTS / "golden" / "bert"),))
        self.db.execute(f"CREATE VIRTUAL TABLE search USING semantic(body, model='tiny' {options})")
        for i, text in enumerate(("the bank", "the river", "a loan")):
            self.db.execute("INSERT INTO search(rowid, body) VALUES (?, ?)", (i + 1, text))

    def test_waiting_rows_are_embedded_by_a_question_not_by_a_look_up(self):
        self.texts()
        self.db.execute("BEGIN")
        self.db.execute("INSERT INTO search(rowid, body) VALUES (4, 'money'), (5, 'water')")
        self.assertEqual(self.waiting(), 2)
        self.db.execute("UPDATE search SET body = 'boat' WHERE rowid = 5")
        self.db.execute("DELETE FROM search WHERE rowid = 2")
        self.assertEqual(self.db.execute("SELECT body FROM search WHERE rowid = 5").fetchone(),
                         ("boat",))
        self.assertEqual(self.db.execute("SELECT body FROM search WHERE rowid = 2").fetchall(), [])
        self.assertEqual(self.waiting(), 3)
        self.assertEqual(self.db.execute("SELECT vector = embed('boat', 'tiny', 'document') "
                                         "FROM search WHERE rowid = 5").fetchone(), (1,))
        self.assertEqual(self.waiting(), 0)
        self.assertEqual(self.ask("boat", "AND k = 1")[0][0], 5)
        self.assertEqual(sorted(row[0] for row in self.ask("boat")), [1, 3, 4, 5])
        self.db.execute("ROLLBACK")
        self.assertEqual(sorted(row[0] for row in self.ask("boat")), [1, 2, 3])

    def test_what_waits_for_sync_or_cannot_be_written(self):
        self.texts(", embed='manual'")
        self.assertEqual(self.ask("loan"), [])
        self.assertEqual(self.db.execute("SELECT rowid FROM search").fetchall(), [(1,), (2,), (3,)])
        self.db.execute("INSERT INTO search(search) VALUES ('sync')")
        self.assertEqual(len(self.ask("loan")), 3)
        self.db.execute("DELETE FROM search WHERE rowid = 3")
        self.db.execute("INSERT INTO search(rowid, body) VALUES (9, 'new')")
        self.assertEqual(sorted(row[0] for row in self.ask("loan")), [1, 2])
        self.assertEqual(self.db.execute("SELECT rowid, vector IS NULL FROM search").fetchall(),
                         [(1, 0), (2, 0), (9, 1)])

    def test_query_only_answers_from_what_is_stored(self):
        self.texts()
        self.db.execute("BEGIN")
        self.db.execute("INSERT INTO search(rowid, body) VALUES (4, 'money')")
        self.db.execute("PRAGMA query_only = 1")
        self.assertEqual(sorted(row[0] for row in self.ask("money")), [1, 2, 3])
        self.db.execute("PRAGMA query_only = 0")
        self.assertEqual(sorted(row[0] for row in self.ask("money")), [1, 2, 3, 4])
        self.db.execute("COMMIT")

    def test_commit_under_query_only_leaves_rows_waiting(self):
        self.texts()
        self.db.execute("BEGIN")
        self.db.execute("INSERT INTO search(rowid, body) VALUES (4, 'money')")
        self.db.execute("PRAGMA query_only = 1")
        self.db.execute("COMMIT")
        self.assertEqual(self.db.execute("SELECT pending FROM semantic_status").fetchone(), (1,))
        self.db.execute("PRAGMA query_only = 0")
        self.assertEqual(sorted(row[0] for row in self.ask("money")), [1, 2, 3, 4])

    # Written by what is read

    def test_deleting_what_was_found(self):
        chance = random.Random(15)
        self.fill(random_vectors(chance, 500, 16))
        q = pack(gaussian(chance, 16))
        expected = self.brute(q)
        self.db.execute("DELETE FROM search WHERE search MATCH ? AND distance <= ?",
                        (q, expected[199][1]))
        self.assertEqual(self.ask(q), expected[200:])
        self.db.execute("UPDATE search SET body = 'seen' WHERE search MATCH ? AND k = 10", (q,))
        self.assertEqual([row for row, in self.db.execute(
            "SELECT rowid FROM search WHERE body = 'seen'")], sorted(r for r, _ in expected[200:210]))
        self.db.execute("INSERT INTO search(rowid, body, vector) SELECT rowid + 7000000, body, vector "
                        "FROM search WHERE search MATCH ?", (q,))
        self.assertEqual(len(self.ask(q)), 2 * (len(expected) - 200))

    # Equal vectors

    def equal_vectors(self, chance, count, dimensions=64):
        """Every fourth one is one of three, or that but for the last bit of one number."""
        vectors = random_vectors(chance, count, dimensions)
        same = [struct.unpack(f"<{dimensions}f", pack(vector)) for vector in vectors[:3]]
        for i in range(3, count, 4):
            vectors[i] = chance.choice(same)
            if i % 7 == 0:
                bits = bytearray(pack(vectors[i]))
                bits[4 * chance.randrange(dimensions)] ^= 1
                vectors[i] = struct.unpack(f"<{dimensions}f", bits)
        return same, vectors

    def near(self, chance, vector):
        return pack([x + 0.01 * chance.gauss(0, 1) for x in vector])

    def test_equal_vectors_are_ordered_by_their_ids(self):
        chance = random.Random(20)
        for metric in MEASURE:
            self.db = self.connect()
            same, vectors = self.equal_vectors(chance, 2400)
            self.fill(vectors, metric)
            for q in [self.near(chance, vector) for vector in same] + [pack(same[0])]:
                expected = self.brute(q, metric)
                for k in (1, 10, 50, 200, 1000):
                    self.assertEqual(self.ask(q, "AND k = ?", (k,)), expected[:k])
                for offset in (0, 5, 150, 700):
                    self.assertEqual(self.ask(q, "ORDER BY rank LIMIT 10 OFFSET ?", (offset,)),
                                     expected[offset:offset + 10])
                clause = "AND k = {size} AND (distance, rowid) > (?, ?)"
                self.assertEqual(self.pages(q, 97, clause), expected)

    def test_equal_vectors_that_change_and_go_in_a_transaction(self):
        chance = random.Random(21)
        same, vectors = self.equal_vectors(chance, 1200)
        self.fill(vectors)
        q = self.near(chance, same[0])
        self.db.execute("BEGIN")
        for step in range(6):
            ids = [row[0] for row in self.ask(q, "AND k = 40")]
            self.assertEqual(len(ids), 40)
            self.db.execute("DELETE FROM search WHERE rowid = ?", (ids[0],))
            self.db.execute("UPDATE search SET vector = ? WHERE rowid = ?",
                            (pack(gaussian(chance, 64)), ids[1]))
            self.db.execute("UPDATE search SET vector = ? WHERE rowid = ?",
                            (pack(same[0]), chance.choice(ids)))
            self.db.execute("INSERT INTO search(rowid, vector) VALUES(?, ?)",
                            (-step, pack(same[0])))
            self.assertEqual(self.ask(q, "AND k = 150"), self.brute(q)[:150])
        self.db.execute("ROLLBACK")
        self.assertEqual(self.ask(q, "AND k = 150"), self.brute(q)[:150])

    def test_equal_chunks_have_equal_distances(self):
        self.texts(", chunk=8")
        text = "the bank by the river gave a loan for the boat on the water "
        self.db.executemany("INSERT INTO search(rowid, body) VALUES(?, ?)",
                            [(i, text * (1 + i % 2)) for i in range(10, 300)])
        first = self.ask("a loan for the boat", "AND rowid IN (10, 11)")
        expected = sorted(((10 + i, dict(first)[10 + i % 2]) for i in range(290)),
                          key=lambda row: (row[1], row[0]))
        rows = self.ask("a loan for the boat", "AND rowid >= 10")
        self.assertEqual(rows, expected)
        self.assertEqual(self.ask("a loan for the boat", "AND rowid >= 10 AND k = 100"),
                         expected[:100])

    def test_of_equal_vectors_checksums_are_read(self):
        """A question near 2000 equal ones among 8000, and one elsewhere."""
        chance = random.Random(22)
        vectors = random_vectors(chance, 8000, 64)
        other = pack(vectors[3000])
        vectors[5000:7000] = [vectors[5000]] * 2000
        self.fill(vectors)
        read = []
        for q in (other, self.near(chance, vectors[5000])):
            self.ask(q, "AND k = 10")
            read += self.db.execute("SELECT question_bytes FROM semantic_status").fetchone()
        self.assertLess(read[1], read[0] + 2000 * 64)
        self.assertEqual(self.ask(q, "AND k = 30"), self.brute(q)[:30])

    # Stopping

    def test_a_question_can_be_stopped(self):
        chance = random.Random(16)
        vectors = random_vectors(chance, 40, 16)
        self.fill(vectors * 50)
        q = pack(gaussian(chance, 16))
        expected = self.brute(q)
        self.db.set_progress_handler(lambda: 1, 1)
        with self.assertRaises(sqlite3.OperationalError) as caught:
            self.ask(q)
        self.assertEqual(str(caught.exception), "interrupted")
        self.db.set_progress_handler(None, 0)
        self.assertEqual(self.ask(q), expected)


if __name__ == "__main__":
    sys.exit(case.run(Semantic))
