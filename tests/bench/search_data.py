"""search_data.py - texts, vectors and true answers for bench_search.py (needs numpy).

    real        embeddings of different sentences that the machine's documentation has: as many
                as there are and as are asked for, never repeated to make more
    clustered   real ones, each with noise as long as a real vector is from its nearest neighbour
    random      directions of a normal distribution

Vectors are generated into a folder once and read from there afterwards; questions are kept apart
and are of the same kind as the rows: for clustered rows sentences that no row was made of.
"""
import collections
import gzip
import json
import os
import re
import sys

import numpy

DIMENSIONS = 384
QUESTIONS = 100
SETS = ("real", "clustered", "random")
TEXT_FILE = re.compile(r"(\.gz|\.txt|\.rst|\.md|\.html|copyright|README.*|GPL.*|Apache.*)$")
FOLDERS = ("/usr/share/common-licenses", "/usr/share/doc", "/usr/share/man", "/usr/share/wordnet")


def read_text(path):
    try:
        with (gzip.open if path.endswith(".gz") else open)(path, "rb") as file:
            return file.read(2000000).decode()
    except (OSError, EOFError, UnicodeDecodeError):
        return ""


def sentences_of(text):
    """Whole sentences of 6 to 40 words, of text or of a manual page's source."""
    text = re.sub(r"\\f.|\\-", "", re.sub(r"(?m)^[.'].*$", "", text))
    for paragraph in re.split(r"\n\s*\n", text):
        for sentence in re.split(r"(?<=[.!?])\s+", " ".join(paragraph.split())):
            letters = sum(c.isalpha() or c == " " for c in sentence)
            if 6 <= len(sentence.split()) <= 40 and sentence[0].isupper() and \
                    sentence[-1] in ".!?" and letters > .9 * len(sentence):
                yield sentence


def find_texts(folders, count):
    """([different sentences], {folder: how many of them}): `count`, evenly from all there are."""
    found = {}
    for top in folders:
        for folder, inner, files in os.walk(top):
            inner.sort()
            for name in sorted(files):
                if TEXT_FILE.search(name) or top == FOLDERS[0]:
                    new = sentences_of(read_text(f"{folder}/{name}"))
                elif name.startswith("data.") and "wordnet" in folder:
                    glosses = re.findall(r"\| ([^;\n]+)", read_text(f"{folder}/{name}"))
                    new = (g for g in glosses if len(g.split()) > 3)
                else:
                    continue
                for sentence in new:
                    found.setdefault(sentence, top)
    texts = list(found)
    count = min(count, len(texts))
    texts = [texts[i * len(texts) // count] for i in range(count)]
    return texts, collections.Counter(found[text] for text in texts)


class Sentences:
    """Sentences that were found on the machine, with their embeddings [count, 384]."""

    def __init__(self, folder, folders, count):
        self.stem = os.path.join(folder, f"sentences-{count}")
        self.folders, self.count = folders or FOLDERS, count
        self.texts, self.vectors, self.about = [], None, ""

    def read(self):
        """Whether they have been made."""
        if not os.path.exists(self.stem + ".json"):
            return False
        with open(self.stem + ".json", encoding="utf-8") as file:
            made = json.load(file)
        self.texts, self.about = made["texts"], made["about"]
        self.vectors = numpy.fromfile(self.stem + ".f32", numpy.float32).reshape(
            len(self.texts), -1)
        return True

    def make(self, db, model):
        """Finds them and embeds them with the model 'bench' of the connection."""
        texts, where = find_texts(self.folders, self.count)
        if len(texts) < 1000:
            sys.exit(f"bench_search: only {len(texts)} sentences found; name folders of text by "
                     "--folders")
        print(f"embedding {len(texts)} sentences ...", flush=True)
        db.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, body)")
        db.executemany("INSERT INTO t(body) VALUES (?)", ((t,) for t in texts))
        rows = db.execute("SELECT embedding FROM embed_query('SELECT id, body FROM t', 'bench') "
                          "ORDER BY key").fetchall()
        numpy.frombuffer(b"".join(row[0] for row in rows), numpy.float32).tofile(
            self.stem + ".f32")
        places = ", ".join(f"{count} from {folder}" for folder, count in where.items())
        with open(self.stem + ".json", "w", encoding="utf-8") as file:
            json.dump({"texts": texts, "about":
                       f"different whole sentences of 6 to 40 words, {places}, embedded with "
                       f"{model}"}, file)
        self.read()


def unit(vectors):
    return vectors / numpy.linalg.norm(vectors, axis=1, keepdims=True)


def nearest_distances(vectors, sample=1000):
    """Of some vectors to their nearest neighbours among all."""
    score = vectors[:sample] @ vectors.T
    score[numpy.arange(len(score)), numpy.arange(len(score))] = -1
    return numpy.sqrt(numpy.maximum(0, 2 - 2 * score.max(axis=1)))


def write_set(path, name, rows, real):
    """The set's vectors, as float32 in a file, 50,000 at a time."""
    chance = numpy.random.default_rng(1)
    noise = 0
    if name == "clustered":
        noise = float(numpy.median(nearest_distances(real))) / DIMENSIONS ** .5
    with open(path + ".new", "wb") as file:
        for first in range(0, rows, 50000):
            shape = (min(50000, rows - first), DIMENSIONS)
            vectors = chance.standard_normal(shape, dtype=numpy.float32)
            if name == "clustered":
                vectors = real[chance.integers(len(real), size=shape[0])] + noise * vectors
            file.write(unit(vectors).astype(numpy.float32).tobytes())
    os.rename(path + ".new", path)


def make_set(folder, name, rows, sentences):
    """(vectors [rows, 384], questions [100, 384], what they are) of the set."""
    asked = numpy.arange(QUESTIONS) * len(sentences.texts) // QUESTIONS
    real, questions = numpy.delete(sentences.vectors, asked, 0), sentences.vectors[asked]
    if name == "real":
        real = real[:rows]
        return real, questions, (f"{len(real)} of {len(sentences.texts)} {sentences.about}; "
                                 f"questions: {QUESTIONS} other of these sentences")
    path = os.path.join(folder, f"{name}-{rows}-{len(sentences.texts)}.f32")
    if not os.path.exists(path):
        write_set(path, name, rows, real)
    vectors = numpy.memmap(path, numpy.float32, "r", shape=(rows, DIMENSIONS))
    if name == "clustered":
        return vectors, questions, (
            f"each of {rows} is one of the {len(real)} vectors of real, with noise as long as "
            f"these are from their nearest neighbour; questions: {QUESTIONS} sentences that no "
            "row is made of")
    chance = numpy.random.default_rng(2)
    return vectors, unit(chance.standard_normal((QUESTIONS, DIMENSIONS))).astype(
        numpy.float32), "directions of a normal distribution, as are the questions"


def true_answers(db, vectors, questions, k=10, spare=200):
    """[[(rowid, distance), ...] of each question] by brute force: numpy finds the candidates,
    many more than are asked for; the distance is what cosine_distance() says."""
    best = [[] for _ in questions]
    for first in range(0, len(vectors), 100000):
        score = questions @ numpy.asarray(vectors[first:first + 100000]).T
        top = numpy.argpartition(-score, min(spare, score.shape[1] - 1), axis=1)[:, :spare]
        for i, places in enumerate(top):
            best[i] += [(float(score[i, p]), first + int(p)) for p in places]
    answers = []
    for question, found in zip(questions, best):
        found = sorted(found, reverse=True)[:spare]
        rows = [(p + 1, db.execute("SELECT cosine_distance(?, ?)", (
            vectors[p].tobytes(), question.tobytes())).fetchone()[0]) for _, p in found]
        answers.append(sorted(rows, key=lambda row: (row[1], row[0]))[:k])
    return answers
