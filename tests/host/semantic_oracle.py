"""semantic_oracle.py - kinds of semantic indexes, what stands beside each in a test, and what it has
to answer by that: brute force in SQL and Python. For test_semantic_kinds.py.

Beside an index X stands X_truth(id, body, vector), a table, a view or the content of X itself. The
distance of each row is computed from it by the SQL functions that the README names; where codes
alone are kept, from the vectors that the index says it has; and of texts in chunks it is what an
index made anew of X_truth says. The order by words is that of an FTS5 table made anew. Filters, both
orders, their fusion and pages are Python's.
"""
import dataclasses
import sqlite3

from semantic_walk import last

CAN = sqlite3.sqlite_version_info
# Of reciprocal rank fusion, as the README has it.
DEPTH, ALL, CONSTANT = 200, 1000, 60
MEASURES = {"cosine": "cosine_distance({}, {})", "l2": "l2_distance({}, {})", "dot": "-dot({}, {})"}
TEXT = "embed({}, 'tiny', '{{\"prompt\":\"{}\"}}')"


@dataclasses.dataclass(frozen=True)
class Kind:
    options: str
    content: str = "own"     # 'own', 'none', 'table', 'keyed' (WITHOUT ROWID), 'view'
    metric: str = "cosine"
    model: bool = False      # texts are embedded
    codes: float = 0         # codes alone are kept: how near they are, as a cosine, at least
    words: str = ""          # 'own' (fts=1), 'beside', 'mirror' (hybrid='X_words', of its content)
    chunks: bool = False
    lists: bool = False      # index='ivf'
    manual: bool = False     # embed='manual'
    ids: int = 60
    rows: int = 0            # that it begins with

    @property
    def dimensions(self):
        return 32 if self.model else 8

    @property
    def external(self):
        return self.content not in ("own", "none")


def made(name, kind, index=None):
    """The statement that makes the index."""
    options = kind.options
    if kind.external:
        options += f", content='{last(name)}_truth', content_rowid='id'"
    elif kind.content == "none":
        options += ", content=''"
    if kind.words == "own":
        options += ", fts=1"
    elif kind.words:
        options += f", hybrid='{last(name)}_words'"
    options += ", model='tiny'" if kind.model else ", model=''"
    if kind.metric != "cosine" or not kind.model:
        options += f", metric='{kind.metric}'"
    return f"CREATE VIRTUAL TABLE {index or name} USING semantic(body{options});\n"


def truth_of(name, kind):
    schema = name.rpartition(".")[0]
    dot = schema + "." * bool(schema)
    bare = last(name)
    if kind.content == "keyed":
        return (f"CREATE TABLE {name}_truth(k TEXT PRIMARY KEY, id INTEGER NOT NULL UNIQUE, body,"
                " vector) WITHOUT ROWID;\n")
    if kind.content != "view":
        return f"CREATE TABLE {name}_truth(id INTEGER PRIMARY KEY, body, vector BLOB);\n"
    gone = f"INSERT INTO {bare}({bare}, rowid) VALUES('delete', old.id);"
    came = f"INSERT INTO {bare}(rowid, body) VALUES(new.id, new.body);"
    return f"""CREATE TABLE {name}_base(id INTEGER PRIMARY KEY, body);
CREATE VIEW {name}_truth AS SELECT id, body, NULL AS vector FROM {bare}_base
    WHERE body IS NOT NULL AND body NOT LIKE 'fish%';
CREATE TRIGGER {dot}{bare}_came AFTER INSERT ON {bare}_base BEGIN {came} END;
CREATE TRIGGER {dot}{bare}_went AFTER DELETE ON {bare}_base BEGIN {gone} END;
CREATE TRIGGER {dot}{bare}_changed AFTER UPDATE ON {bare}_base BEGIN {gone} {came} END;
"""


def words_of(name, kind):
    """The FTS5 table that the user keeps."""
    bare = last(name)
    if kind.words == "beside":
        return f"CREATE VIRTUAL TABLE {name}_words USING fts5(body);\n"
    if kind.words != "mirror":
        return ""
    gone = f"INSERT INTO {bare}_words({bare}_words, rowid, body) VALUES('delete', old.id, old.body);"
    came = f"INSERT INTO {bare}_words(rowid, body) VALUES(new.id, new.body);"
    return f"""CREATE VIRTUAL TABLE {name}_words USING
    fts5(body, content='{bare}_truth', content_rowid='id');
CREATE TRIGGER {bare}_words_came AFTER INSERT ON {bare}_truth BEGIN {came} END;
CREATE TRIGGER {bare}_words_went AFTER DELETE ON {bare}_truth BEGIN {gone} END;
CREATE TRIGGER {bare}_words_changed AFTER UPDATE ON {bare}_truth BEGIN {gone} {came} END;
"""


def schema_of(name, kind):
    sql = truth_of(name, kind) + words_of(name, kind) + made(name, kind)
    sql += (f"CREATE TABLE {name}_set(id INTEGER PRIMARY KEY, meaning, words);\n"
            f"INSERT INTO {name}_set VALUES(1, 1, 1);\n")
    if kind.manual:
        sql += f"CREATE TABLE {name}_stored(id INTEGER PRIMARY KEY, vector);\n"
    if kind.external and kind.content != "view":
        sql += f"INSERT INTO {name}({last(name)}) VALUES('triggers');\n"
    return sql


# ---- What each row's distance is ----

def vector_of(kind):
    """The expression of a row's vector in X_truth."""
    if not kind.model:
        return "vector"
    text = TEXT.format("body", "document")
    return f"coalesce(vector, CASE WHEN body <> '' THEN {text} END)"


def distances(db, name, kind, question):
    """[(distance, id)] of all rows that have one, in no order."""
    asked = "?1" if isinstance(question, bytes) else TEXT.format("?1", "query")
    measure = MEASURES[kind.metric]
    if kind.chunks:
        db.run("DROP TABLE IF EXISTS temp.anew")
        plain = dataclasses.replace(kind, content="own", words="", manual=False)
        db.run(made(name, plain, "temp.anew"))
        db.run(f"INSERT INTO temp.anew(rowid, body, vector) SELECT id, body, vector FROM {name}_truth")
        rows = db.run("SELECT distance, rowid FROM temp.anew WHERE anew MATCH ?1", question)
        db.run("DROP TABLE temp.anew")
        return rows
    if kind.manual:
        sql = (f"SELECT {measure.format('vector', asked)} AS d, id FROM {name}_stored "
               f"WHERE id IN (SELECT id FROM {name}_truth)")
    elif kind.codes:
        sql = f"SELECT {measure.format('vector', asked)} AS d, rowid FROM {name}"
    else:
        sql = f"SELECT {measure.format(vector_of(kind), asked)} AS d, id FROM {name}_truth"
    return [row for row in db.run(sql, question) if row[0] is not None]


# ---- Fusion ----

def query_of(text):
    """A question as a query of FTS5: words parted by white space, each once."""
    words = {}
    for word in text.split():
        words.setdefault(word.lower(), '"' + word.replace('"', '""') + '"')
    return " OR ".join(words.values())


# A connection's, made before it begins anything: SQLite 3.44 fails to make an FTS5 table a second
# time where ROLLBACK TO took back the first.
WORDS_ANEW = "CREATE VIRTUAL TABLE temp.words_anew USING fts5(body)"


def by_words(db, name, question):
    """The ids that words find, best first."""
    db.run("DELETE FROM temp.words_anew")
    db.run(f"INSERT INTO temp.words_anew(rowid, body) SELECT id, body FROM {name}_truth")
    return [id_ for id_, in db.run("SELECT rowid FROM temp.words_anew WHERE words_anew MATCH ? "
                                   "ORDER BY rank, rowid", query_of(question))]


def fused(db, name, near, found, passes):
    """[(rank, id, distance, semantic_rank, bm25_rank)]: `near` sorted, `found` None for a vector."""
    (meaning, words), = db.run(f"SELECT meaning, words FROM {name}_set")
    depth = ALL if len(near) <= ALL else DEPTH  # an index of chunks has fewer than that here
    if found is None:
        found, words, meaning = [], 0, meaning or 1
    distance = {id_: d for d, id_ in near}
    near = [id_ for d, id_ in near if passes(d, id_)] if meaning else []
    found = [id_ for id_ in found if passes(distance.get(id_), id_)][:depth] if words else []
    bm25 = {id_: at + 1 for at, id_ in enumerate(found)}
    semantic = {id_: at + 1 for at, id_ in enumerate(near)
                if at < depth or id_ not in bm25}
    score = lambda id_: ((meaning / (CONSTANT + semantic[id_]) if id_ in semantic else 0.0) +
                         (words / (CONSTANT + bm25[id_]) if id_ in bm25 else 0.0))
    return sorted((-score(id_), id_, distance.get(id_), semantic.get(id_), bm25.get(id_))
                  for id_ in {**semantic, **bm25})


# ---- Questions ----

READER = sqlite3.connect(":memory:")


def written(value):
    """The number as SQLite reads it to the last bit; '?' where it is a bit off, as it may be."""
    is_read, = READER.execute(f"SELECT {value!r} = ?", (value,)).fetchone()
    return repr(value) if is_read else "?"

@dataclasses.dataclass
class Form:
    """How a question is put: what follows MATCH, and what it means."""
    where: str = ""
    call: bool = False                    # as a function of the table
    order: str = ""
    count: int = 10 ** 9
    skip: int = 0
    page: tuple = None                    # rows behind that (distance or rank, row id)
    beside: float = None                  # rows at that distance don't count
    read_on: bool = CAN < (3, 41)         # SQLite does not show LIMIT, or k is not all
    filters: list = dataclasses.field(default_factory=list)
    values: list = dataclasses.field(default_factory=list)  # of parameters, after the question

    def passes(self, distance, id_):
        return all(f(distance, id_) for f in self.filters)

    def cut(self, rows):
        """Of all rows in order those that are wanted."""
        rows = [row for row in rows if not self.page or row[:2] > self.page]
        few = [row for row in rows if row[0] != self.beside][self.skip:][:self.count]
        beside = [row for row in rows if row[0] == self.beside]
        return beside + few  # nothing is nearer than the bound

    def sql(self, index, columns):
        if self.call:
            return f"SELECT {columns} FROM {index}(?) WHERE true{self.where}{self.order}"
        return f"SELECT {columns} FROM {index} WHERE {last(index)} MATCH ?{self.where}{self.order}"


def drawn_filters(r, form, ids, far):
    """Adds up to two filters of row ids and distances."""
    low, high = sorted((r.randint(0, ids + 1), r.randint(0, ids + 1)))
    some = r.sample(range(1, ids + 1), 12)
    several = f"({str(some)[1:-1]})"
    rowids = [
        (f" AND rowid BETWEEN {low} AND {high}", lambda d, i: low <= i <= high),
        (f" AND rowid > {low}", lambda d, i: i > low),
        (f" AND rowid <= {high}", lambda d, i: i <= high),
        (f" AND among = '{some}'", lambda d, i: i in some)]
    if CAN >= (3, 38):
        rowids += [(f" AND rowid IN (SELECT value FROM json_each('{some}'))", lambda d, i: i in some),
                   (f" AND rowid IN {several}", lambda d, i: i in some),
                   (f" AND rowid = {low}", lambda d, i: i == low)]
    bound = written(far) if r.random() < 0.5 else "?"
    literal = bound != "?"
    bounds = [(f" AND distance {op} {bound}", test) for op, test in (
        ("<", lambda d, i: d is not None and d < far), ("<=", lambda d, i: d is not None and d <= far),
        (">", lambda d, i: d is not None and d > far), (">=", lambda d, i: d is not None and d >= far))]
    kind = r.random()
    chosen = [] if kind < 0.4 else [r.choice(rowids)] if kind < 0.75 else [r.choice(bounds)]
    if chosen and chosen[0] in bounds:
        form.values += [] if literal else [far]
        form.read_on |= not literal and "=" in chosen[0][0]
        # What could be a part of (distance, rowid) > (?, ?), see the README.
        form.beside = far if chosen[0] == bounds[3] and not (literal and CAN >= (3, 38)) else None
    if kind > 0.9:
        chosen.append(r.choice(rowids))
    for where, passes in chosen:
        form.where += where
        form.filters.append(passes)


def drawn_form(r, kind, near, ranked, columns):
    """A way to ask for `columns` of a question of which `near`, and without filters `ranked`, are
    the answer."""
    form = Form()
    far = r.choice(near)[0] if near else 0.5
    drawn_filters(r, form, kind.ids, far)
    by = r.random()
    if by >= 0.4 or columns != "distance, rowid":
        form.beside = None
    if by < 0.4:
        form.read_on = form.beside is not None
    if by < 0.4:
        form.count = r.choice((1, 3, 10, 100))
        form.where += f" AND k = {form.count}"
        form.order = r.choice(("", " ORDER BY rank", " ORDER BY rank, rowid"))
    elif by < 0.75:
        form.count = r.choice((1, 3, 10, 100))
        form.order = f" ORDER BY rank LIMIT {form.count}"
        if by > 0.6:
            form.skip = r.randint(0, 12)
            form.order += f" OFFSET {form.skip}"
    elif by < 0.87 and ranked:
        form.page = r.choice(ranked)[:2]
        form.count = r.choice((1, 5, 20))
        column = "rank" if kind.words else "distance"
        value = written(form.page[0]) if r.random() < 0.5 else "?"
        form.where += f" AND ({column}, rowid) > ({value}, {form.page[1]})"
        form.values += [form.page[0]] if value == "?" else []
        form.order = f" ORDER BY {column}, rowid"
        form.read_on = True
        if by < 0.81:
            form.order += f" LIMIT {form.count}"
            form.skip = r.choice((0, 0, 2))
            form.order += f" OFFSET {form.skip}" * (form.skip > 0)
        else:
            form.where += f" AND k = {form.count}"
    else:
        form.call = True
    return form
