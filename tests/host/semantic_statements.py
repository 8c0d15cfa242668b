"""semantic_statements.py - what else users write with semantic indexes than one question in one
statement: joins, subqueries, other orders, conditions joined by OR, statements that change what they
find, a backup. For test_semantic_kinds.py: each function draws one of the statements, runs it and
compares it with what the oracle (semantic_oracle.py) ranks.
"""
import sqlite3

import case
from semantic_oracle import CAN, WORDS_ANEW
from semantic_walk import BERT, Here, last


def differs(sql, answer, expected):
    if answer != expected:
        at = next((i for i, (a, b) in enumerate(zip(answer, expected)) if a != b),
                  min(len(answer), len(expected)))
        raise AssertionError(f"{sql}\n{len(answer)} rows, expected {len(expected)}; from {at} on\n"
                             f"index    {answer[at:][:20]}\nexpected {expected[at:][:20]}")


# ---- One question: (walk, name, kind, ranked) -> (SQL, values, rows). `ranked` is the whole answer,
# [(distance or rank, row id, ...)]; `value` in the SQL is the column of the first.

def value_of(kind):
    return "rank" if kind.words else "distance"


def downwards(r, name, kind, ranked):
    value, count = value_of(kind), r.choice((1, 5, 100))
    sql = f"SELECT {value}, rowid FROM {name} WHERE {last(name)} MATCH ?"
    rows = [row[:2] for row in ranked]
    what = r.random()
    if what < 0.3:
        return sql + f" ORDER BY {value} DESC, rowid DESC LIMIT {count}", (), rows[::-1][:count]
    if what < 0.5:
        skip = r.choice((0, 3))
        return (sql + f" ORDER BY score DESC LIMIT {count} OFFSET {skip}", (),
                rows[skip:][:count])
    if what < 0.75:
        return (sql + f" AND k = {count} ORDER BY rowid DESC", (),
                sorted(rows[:count], key=lambda row: -row[1]))
    most = r.choice((1, 2, 50))
    return sql + f" AND k = {count} ORDER BY rank LIMIT {most}", (), rows[:min(count, most)]


def either(r, name, kind, ranked):
    """Conditions joined by OR, which hold after k and after words and meaning were fused."""
    value, count = value_of(kind), r.choice((1, 5, 100))
    sql = f"SELECT {value}, rowid FROM {name} WHERE {last(name)} MATCH ? AND "
    end = f" ORDER BY {value}, rowid LIMIT {count}"
    rows = [row[:2] for row in ranked]
    low, high = sorted((r.randint(0, kind.ids), r.randint(0, kind.ids)))
    what = r.random()
    if what < 0.35 and rows:
        page = r.choice(rows)
        return (sql + f"({value} > ? OR ({value} = ? AND rowid > ?))" + end, (page[0], *page),
                [row for row in rows if row > page][:count])
    if what < 0.7:
        return (sql + f"(rowid < {low} OR rowid > {high})" + end, (),
                [row for row in rows if row[1] < low or row[1] > high][:count])
    if kind.words or CAN < (3, 38) or not rows:
        return (sql + "abs(rowid) % 3 = 1" + end, (),
                [row for row in rows if abs(row[1]) % 3 == 1][:count])
    far = r.choice(rows)[0]
    return (sql + f"(rowid = {low} OR {value} < ? OR rowid IN ({high}, {low}))" + end, (far,),
            [row for row in rows if row[1] in (low, high) or row[0] < far][:count])


def inside(r, name, kind, ranked):
    """As a subquery."""
    count = r.choice((1, 4, 30))
    some = [row[1] for row in ranked[:count]]
    ask = f"FROM {name} WHERE {last(name)} MATCH ? AND k = {count}"
    what = r.random()
    if what < 0.3:
        return (f"SELECT id FROM {name}_truth WHERE id IN (SELECT rowid {ask}) ORDER BY id", (),
                [(id_,) for id_ in sorted(some)])
    if what < 0.5:
        return (f"SELECT EXISTS(SELECT 1 {ask})", (), [(int(bool(some)),)])
    if what < 0.7:
        return (f"SELECT count(*), max({value_of(kind)}) {ask}", (),
                [(len(some), ranked[:count][-1][0] if some else None)])
    if what < 0.85:
        return (f"SELECT rowid & 1, count(*) {ask} GROUP BY 1 ORDER BY 1", (),
                [(odd, n) for odd in (0, 1) if (n := sum(id_ & 1 == odd for id_ in some))])
    return (f"SELECT * FROM (SELECT rowid {ask}) UNION ALL SELECT -1", (),
            [(id_,) for id_ in some] + [(-1,)])


def joined(r, name, kind, ranked):
    """With the ordinary table, by row id."""
    value, count = value_of(kind), r.choice((1, 5, 40))
    k = f" AND s.k = {count}" if r.random() < 0.7 else ""
    rows = [row[:2] for row in (ranked[:count] if k else ranked)]
    there = {id_: v for v, id_ in rows}
    what = r.random()
    if what < 0.4 or (CAN < (3, 38) and (k or kind.words)):
        first = r.random() < 0.5
        both = f"{name} s JOIN {name}_truth t" if first else f"{name}_truth t JOIN {name} s"
        limit = f" LIMIT {r.choice((1, 7))}" if r.random() < 0.3 else ""
        wanted = [row for row in rows if row[1] % 2 == 0]
        return (f"SELECT s.{value}, s.rowid FROM {both} ON t.id = s.rowid WHERE s.{last(name)} MATCH ?{k} "
                f"AND t.id % 2 = 0 ORDER BY s.{value}, s.rowid{limit}", (),
                wanted[:int(limit.split()[1])] if limit else wanted)
    if what < 0.7:
        sql = (f"SELECT s.{value}, t.id FROM {name}_truth t LEFT JOIN {name} s ON s.{last(name)} MATCH ?{k} "
               "AND s.rowid = t.id ORDER BY t.id")
        return sql, (), lambda ids: [(there.get(id_), id_) for id_ in ids]
    sql = (f"SELECT s.{value}, t.id FROM {name}_truth t CROSS JOIN {name} s ON s.rowid = t.id "
           f"WHERE s.{last(name)} MATCH ?{k} ORDER BY t.id")
    return sql, (), [row for row in sorted(rows, key=lambda row: row[1])]


FORMS = downwards, either, inside, joined


def one_question(walk, at, db, name, kind, question, ranked):
    r = walk.random
    sql, values, expected = r.choice(FORMS)(r, name, kind, ranked)
    walk.say(f"{at}: {sql} <- {question if isinstance(question, str) else '...'} {values}")
    if callable(expected):
        expected = expected([id_ for id_, in db.run(f"SELECT id FROM {name}_truth ORDER BY id")])
    differs(sql, db.run(sql, question, *values), expected)


# ---- Several questions ----

def many_questions(walk, at, db, name, kind, questions, ranked):
    """From an outer table; ranked: of each."""
    r = walk.random
    value, count = value_of(kind), r.choice((1, 5, 30))
    join = r.choice((", ", " LEFT JOIN ", " JOIN "))
    if r.random() < 0.5:
        table = f"{join}{name}(a.q, {count}) s"
    else:
        table = f"{join}{name} s" + (" ON" if "JOIN" in join else " WHERE")
        table += f" s.{last(name)} MATCH a.q AND s.k = {count}"
    rows = [some[:count] for some in ranked]
    sql = (f"WITH a(n, q) AS (VALUES(0, ?), (1, ?), (2, ?)) SELECT a.n, s.{value}, s.rowid FROM a"
           f"{table} ORDER BY a.n, s.{value}, s.rowid")
    expected = []
    for n, some in enumerate(rows):
        expected += [(n, *row[:2]) for row in some]
        if not some and "LEFT" in join:
            expected.append((n, None, None))
    walk.say(f"{at}: {sql} <- {['...' if isinstance(q, bytes) else q for q in questions]}")
    differs(sql, db.run(sql, *questions), expected)


# ---- Changes ----

def change_found(walk, at, db, name, kind):
    """Deletes or changes what a question finds, in one statement."""
    r = walk.random
    question, count = walk.some_question(kind), r.choice((1, 3))
    index, table = last(name), f"{name}_truth"
    where = f"WHERE {index} MATCH ? AND k = {count}"
    found = [id_ for id_, in db.run(f"SELECT rowid FROM {name} {where}", question)]
    ids = f"({str(found)[1:-1]})"
    if r.random() < 0.5 or not kind.model or kind.chunks:
        sql = f"DELETE FROM {name} {where}"
        db.run(f"DELETE FROM {table} WHERE id IN {ids}")
    else:
        sql = f"UPDATE {name} SET body = 'tide and sea' {where}"
        db.run(f"UPDATE {table} SET vector = CASE WHEN body IS 'tide and sea' THEN vector END, "
               f"body = 'tide and sea' WHERE id IN {ids}")
    walk.say(f"{at}: {sql} of {found}")
    db.run(sql, question)


def change_many_ids(walk, at, db, name, kind):
    """Row ids of several rows at once; copies of rows."""
    r = walk.random
    table = f"{name}_truth"
    low = r.randint(1, kind.ids)
    high = low + r.choice((1, 4))
    what = r.random()
    if what < 0.6 or not kind.model or kind.content != "own":
        verb = r.choice(("UPDATE", "UPDATE OR REPLACE"))
        a, b = r.choice(((low, high), (-high, -low)))
        walk.both(at, db, f"{verb} {table} SET id = -id WHERE id BETWEEN {a} AND {b}",
                  f"{verb} {name} SET rowid = -rowid WHERE rowid BETWEEN {a} AND {b}")
    else:
        walk.both(at, db, f"INSERT OR REPLACE INTO {table}(id, body) SELECT id + 7, body FROM {table} "
                  f"WHERE id BETWEEN {low} AND {high}",
                  f"INSERT OR REPLACE INTO {name}(rowid, body) SELECT rowid + 7, body FROM {name} "
                  f"WHERE rowid BETWEEN {low} AND {high}")


def rename_content(walk, at, db, name, kind):
    """The content table and its column get other names, are changed so, and get theirs back."""
    walk.say(f"{at}: {name}_truth is renamed")
    schema = name.rpartition(".")[0]
    moved = schema + "." * bool(schema) + "elsewhere"
    db.run(f"ALTER TABLE {name}_truth RENAME TO elsewhere")
    db.run(f"ALTER TABLE {moved} RENAME COLUMN body TO prose")
    db.run(f"DELETE FROM {moved} WHERE id % 7 = 1")
    db.run(f"UPDATE {moved} SET prose = prose || ' moved' WHERE id % 7 = 2")
    db.run(f"SELECT count(*) FROM {name} WHERE {last(name)} MATCH 'sea'")
    db.run(f"ALTER TABLE {moved} RENAME COLUMN prose TO body")
    db.run(f"ALTER TABLE {moved} RENAME TO {last(name)}_truth")


# ---- The whole file ----

class Copy(Here):
    """A backup of main, in memory."""

    def __init__(self, source):
        self.db = case.connect(":memory:", cached_statements=0)
        self.db.execute("SELECT embed_model('tiny', ?)", (BERT,))
        source.backup(self.db, progress=self.stop_if_busy)
        self.db.execute(WORDS_ANEW)

    @staticmethod
    def stop_if_busy(status, *_):
        """Python would try for ever."""
        if status in (5, 6):
            raise sqlite3.OperationalError("database is locked")


def backup(walk, at, db):
    """A copy of the file answers as the file does."""
    if not isinstance(db, Here) or walk.open[at]:
        return
    try:
        copy = Copy(db.db)
    except sqlite3.OperationalError as error:
        if "locked" not in str(error):
            raise
        walk.busy += 1
        return
    name = walk.random.choice([name for name in walk.KINDS if "." not in name])
    walk.say(f"{at}: a backup, {name} of it")
    copy.run(f"INSERT INTO {name}({name}) VALUES('integrity-check')")
    walk.compare_rows(copy, name, walk.KINDS[name])
    copy.run("BEGIN")
    walk.ask(at, copy, name, walk.KINDS[name])
    copy.run("COMMIT")
    copy.close()
