"""search_index.py - what bench_search.py measures of our index on one set of vectors: the exact
one (size, first question, warm questions, what filters cost), codes alone, and lists.

A Measured holds the set and its true answers, and writes each figure down with `fact`
(search_report.py). The functions leave no table behind but the exact one, which others use.
"""
import json
import statistics

import search_tables
import search_vec0
from search_tables import QUESTION, milliseconds, question_bytes

MIB = 1 << 20


class Measured:
    def __init__(self, tables, facts, rounds, vectors, questions):
        self.tables, self.facts, self.rounds = tables, facts, rounds
        self.vectors, self.count = vectors, len(vectors)
        self.questions = [q.tobytes() for q in questions]
        self.answers = []
        self.bytes = {}   # per question, of each tier
        self.took = {}    # ms of a warm question, of each tier
        self.codes = {}   # bytes of all codes with what belongs to them, of each tier
        self.bandwidth = 0

    def fact(self, *what):
        self.facts.add(*what)

    @property
    def full(self):
        """Whether it has the size that goals were set for."""
        return self.count >= 1000000


def recall(found, answers):
    """Share of the true rows that were found."""
    return statistics.mean(len({r[0] for r in f} & {r[0] for r in a}) / len(a)
                           for f, a in zip(found, answers))


def ask_all(m, db, tier):
    """The rows that every question finds; notes the tier's warm ms and bytes. Bytes come first:
    asking for them reads other tables, too."""
    read = []
    for q in m.questions:
        db.execute(QUESTION, (q,)).fetchall()
        read.append(question_bytes(db))
    for q in m.questions[:5]:
        db.execute(QUESTION, (q,)).fetchall()
    took, found = zip(*(milliseconds(db, QUESTION, (q,)) for q in m.questions))
    m.took[tier] = statistics.median(took)
    m.bytes[tier] = round(statistics.mean(read))
    m.codes[tier] = db.execute("SELECT sum(length(data)) FROM s_codes").fetchone()[0]
    return found


def process(m, name, what):
    return m.tables.in_process(name, what, *(q.hex() for q in m.questions[:4]))


# ---- The exact index -----------------------------------------------------------------------


def inserting(m):
    """Into tables of at most 100,000 rows, in turn with vec0."""
    some, ours, theirs = m.vectors[:100000], [], []
    for _ in range(m.rounds):
        db, rate = m.tables.make("insert", some)
        db.close()
        ours.append(rate)
        db, rate = search_vec0.make(m.tables.path("insert"), some, False)
        db.close()
        theirs.append(rate)
    m.tables.remove("insert")
    m.fact("inserting vectors", statistics.median(ours), "rows/s")
    m.fact("inserting vectors into vec0", statistics.median(theirs), "rows/s")
    ratio = statistics.median(a / b for a, b in zip(ours, theirs))
    m.fact("inserting, times vec0", ratio, "times", ">= 1", ratio >= 1)


def make_exact(m):
    db, rate = m.tables.make("ours", m.vectors)
    m.fact("inserting all in one transaction", rate, "rows/s")
    size = m.tables.size(db, "ours")
    over = size / (m.count * 5 * m.vectors.shape[1])
    m.fact("file", size / MIB, "MiB")
    m.fact("file, times float32 and codes", over, "times", "<= 1.3", over <= 1.3)
    return db


def equality(m, db):
    same = sum(f == a for f, a in zip(ask_all(m, db, "exact"), m.answers))
    m.fact("equal to brute force", same, f"of {len(m.answers)}", f"{len(m.answers)}",
           same == len(m.answers))
    m.fact("bytes a question reads", m.bytes["exact"] / 1e6, "MB")


def first_question(m):
    first, again, read, used = [], [], [], []
    for _ in range(m.rounds):
        read.append(process(m, "ours", "read")["ms"])
        done = process(m, "ours", "ask")
        first.append(done["ms"])
        used.append(done["bytes"])
        db = m.tables.open("ours") # another connection of this process has asked
        again.append(milliseconds(db, QUESTION, (m.questions[0],))[0])
        db.close()
    m.fact("first question of a process", statistics.median(first), "ms")
    m.fact("read of the code blocks", statistics.median(read), "ms")
    ratio = statistics.median(a / b for a, b in zip(first, read))
    m.fact("first question, times the read", ratio, "times", "<= 3", ratio <= 3)
    m.fact("first question of a connection, codes in memory", statistics.median(again), "ms")
    most = 1.2 * m.count * m.vectors.shape[1] / MIB + 32
    m.fact("memory of a process", max(used) / MIB, "MiB", f"<= {most:.0f}",
           max(used) / MIB <= most)


def warm(m, db, vec0, stream):
    """Beside a read of as many bytes as the codes have, and beside vec0, in turn."""
    times = {name: [] for name in ["stream", "ours"] + [way[0] for way in search_vec0.WAYS]}
    found, speeds = [], []
    for question in m.questions[:m.rounds]:
        speeds.append(stream())
        times["stream"].append(m.count * m.vectors.shape[1] / (speeds[-1] * 1e6))
        repeats = [milliseconds(db, QUESTION, (question,))[0] for _ in range(6)]
        times["ours"].append(statistics.median(repeats[1:]))
        asked = vec0.ask(question)
        for name, (took, _) in asked.items():
            times[name].append(took)
        found.append(asked[search_vec0.CODES][1])
    m.bandwidth = statistics.median(speeds)
    m.took["exact"] = statistics.median(times["ours"])

    def over(a, b):
        return statistics.median(x / y for x, y in zip(times[a], times[b]))
    m.fact("bandwidth of a streaming read", m.bandwidth, "GB/s")
    m.fact("streaming read of the codes", statistics.median(times["stream"]), "ms")
    m.fact("warm top-10", m.took["exact"], "ms")
    for name, _, _ in search_vec0.WAYS:
        m.fact(name, statistics.median(times[name]), "ms")
    m.fact("vec0 bit + rescore, recall", recall(found, m.answers), "share")
    for what, value, goal, met in (
            ("warm, times the streaming read", over("ours", "stream"), "<= 1.3",
             over("ours", "stream") <= 1.3),
            ("warm, times faster than vec0", over(search_vec0.PLAIN, "ours"), ">= 60",
             over(search_vec0.PLAIN, "ours") >= 60),
            ("warm, times faster than vec0's best", over(search_vec0.BEST, "ours"), ">= 20",
             over(search_vec0.BEST, "ours") >= 20)):
        m.fact(what, value, "times", *((goal, met) if m.full else ()))


# ---- What a filter costs -------------------------------------------------------------------


def ways_to_ask(m, db):
    """[(name, statement, values behind the question, rows that are read: None, all)]"""
    few, many = min(100, m.count), min(100000, m.count)
    db.execute("CREATE TEMP TABLE pick(id INTEGER PRIMARY KEY)")
    db.execute("CREATE TEMP TABLE article(id INTEGER PRIMARY KEY, year INT)")
    spread = [1 + i * m.count // many for i in range(many)]
    db.executemany("INSERT INTO temp.pick VALUES (?)", ((i,) for i in spread))
    db.executemany("INSERT INTO temp.article VALUES (?, 2000 + ? % 25)",
                   ((i + 1, i) for i in range(m.count)))
    ten = "SELECT rowid, distance FROM s WHERE s MATCH ?"
    half = (m.count // 4, m.count // 4 + m.count // 2 - 1)
    ids = [1 + i * m.count // few for i in range(few)]
    return [
        ("ORDER BY rank LIMIT 10", f"{ten} ORDER BY rank LIMIT 10", (), None),
        ("k = 10, rowid BETWEEN, half of all", f"{ten} AND k = 10 AND rowid BETWEEN ? AND ?",
         half, None),
        ("k = 10, among 100 ids", f"{ten} AND k = 10 AND among = ?", (json.dumps(ids),), None),
        ("k = 10, among 100000 ids, at most all", f"{ten} AND k = 10 AND among = ?",
         (json.dumps(spread),), None),
        ("k = 10, rowid IN (SELECT 100000 ids, at most all)",
         f"{ten} AND k = 10 AND rowid IN (SELECT id FROM temp.pick)", (), None),
        ("join, ORDER BY rank LIMIT 10",
         "SELECT s.rowid, s.distance FROM s(?) AS s JOIN temp.article AS a ON a.id = s.rowid "
         "WHERE a.year > 2011 ORDER BY s.rank LIMIT 10", (), None),
        ("no k, no LIMIT, the first 1000 rows read", f"{ten} ORDER BY rank", (), 1000)]


def filters(m, db):
    """Each way in turn, on the exact index."""
    ways = ways_to_ask(m, db)
    took = {way[0]: [] for way in ways}
    for question in m.questions[:m.rounds]:
        for name, statement, values, rows in ways:
            best = None
            for _ in range(2): # the first plans the statement
                begin = search_tables.now()
                cursor = db.execute(statement, (question, *values))
                cursor.fetchmany(rows) if rows else cursor.fetchall()
                best = search_tables.now() - begin
                cursor.close()
            took[name].append(best)
    for name, times in took.items():
        m.fact("warm, " + name, statistics.median(times), "ms")


# ---- Codes alone, lists --------------------------------------------------------------------


def codes_alone(m, kind):
    """quantize='int8' and 'bit': no float32 beside the codes."""
    name = f"quantize='{kind}'"
    db = m.tables.make("alone", m.vectors, f", {name}")[0]
    m.fact(f"{name}, file", m.tables.size(db, "alone") / MIB, "MiB")
    found = ask_all(m, db, kind)
    db.close()
    used = process(m, "alone", "ask")["bytes"]
    m.tables.remove("alone")
    m.fact(f"{name}, recall@10", recall(found, m.answers), "share")
    m.fact(f"{name}, warm", m.took[kind], "ms")
    m.fact(f"{name}, bytes a question reads", m.bytes[kind] / 1e6, "MB")
    m.fact(f"{name}, memory of a process", used / MIB, "MiB")


def lists(m, has_goal):
    """index='ivf', sorted into lists in a process of its own."""
    name = "index='ivf'"
    m.tables.make("lists", m.vectors, f", {name}")[0].close()
    made = process(m, "lists", "optimize")
    db = m.tables.open("lists")
    m.fact(f"{name}, optimize", made["ms"] / 1e3, "s")
    m.fact(f"{name}, memory of optimize", made["bytes"] / MIB, "MiB")
    m.fact(f"{name}, file", m.tables.size(db, "lists") / MIB, "MiB")
    count, share = db.execute("SELECT lists, share FROM semantic_status").fetchone()
    found = ask_all(m, db, "ivf")
    db.close()
    m.tables.remove("lists")
    right = recall(found, m.answers)
    m.fact(f"{name}, lists", count or 0, "")
    m.fact(f"{name}, recall@10", right, "share", *((">= 0.95", right >= .95) if has_goal else ()))
    m.fact(f"{name}, warm", m.took["ivf"], "ms",
           *(("<= 3", m.took["ivf"] <= 3) if has_goal else ()))
    m.fact(f"{name}, bytes a question reads", m.bytes["ivf"] / 1e6, "MB")
    m.fact(f"{name}, of the exact index's", m.bytes["ivf"] / m.bytes["exact"], "share")


# ---- More rows -----------------------------------------------------------------------------


def memory_here():
    with open("/proc/meminfo", encoding="ascii") as file:
        return int(file.readline().split()[1]) * 1024


def projections(m):
    """Not measured: the bytes that a question reads, as many times as there are more rows, by the
    bandwidth that was measured; and what a process needs for the codes. Before these, how far
    measured questions are from such a quotient."""
    tiers = ("exact", "int8", "bit", "ivf")
    for tier in tiers:
        m.fact(f"{tier}: warm, times its bytes / bandwidth",
               m.took[tier] / (m.bytes[tier] / m.bandwidth / 1e6), "times")
    for power in (7, 8):
        more = 10 ** power / m.count
        for tier in tiers:
            m.fact(f"projection to 10^{power} rows, {tier}",
                   m.bytes[tier] * more / m.bandwidth / 1e6, "ms")
            need = m.codes[tier] * more
            m.fact(f"projection to 10^{power} rows, {tier}, memory for the codes",
                   need / (1 << 30), "GiB" if need < memory_here() else
                   f"GiB: more than the {memory_here() / (1 << 30):.0f} here")
