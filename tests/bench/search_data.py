"""search_data.py - texts, vectors and true answers for bench_search.py (needs numpy).

    real        embeddings of sentences found on the machine
    clustered   real ones, each with noise as long as a real vector is from its nearest neighbour
    random      directions of a normal distribution

Vectors are generated into a folder once and read from there afterwards; questions are kept apart
and are of the same kind as the rows: for clustered rows sentences that no row was made of.
"""
import gzip
import os
import re

import numpy

DIMENSIONS = 384
QUESTIONS = 30
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
    """`count` different sentences, evenly from all that there are."""
    found = {}
    for top in folders:
        for folder, inner, files in os.walk(top):
            inner.sort()
            for name in sorted(files):
                if TEXT_FILE.search(name) or top == FOLDERS[0]:
                    found.update(dict.fromkeys(sentences_of(read_text(f"{folder}/{name}"))))
                elif name.startswith("data.") and "wordnet" in folder:
                    glosses = re.findall(r"\| ([^;\n]+)", read_text(f"{folder}/{name}"))
                    found.update(dict.fromkeys(g for g in glosses if len(g.split()) > 3))
    found = list(found)
    return found[::max(1, len(found) // count)][:count]


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
    noise = float(numpy.median(nearest_distances(real))) / DIMENSIONS ** .5
    with open(path + ".new", "wb") as file:
        for first in range(0, rows, 50000):
            shape = (min(50000, rows - first), DIMENSIONS)
            vectors = chance.standard_normal(shape, dtype=numpy.float32)
            if name == "clustered":
                vectors = real[chance.integers(len(real), size=shape[0])] + noise * vectors
            file.write(unit(vectors).astype(numpy.float32).tobytes())
    os.rename(path + ".new", path)


def make_set(folder, name, rows, real):
    """(vectors [rows, 384], questions [30, 384]) of the set."""
    if name == "real":
        return real[QUESTIONS:], real[:QUESTIONS]
    path = os.path.join(folder, f"{name}-{rows}.f32")
    if not os.path.exists(path):
        write_set(path, name, rows, real[QUESTIONS:])
    vectors = numpy.memmap(path, numpy.float32, "r", shape=(rows, DIMENSIONS))
    if name == "clustered":
        return vectors, real[:QUESTIONS]
    chance = numpy.random.default_rng(2)
    return vectors, unit(chance.standard_normal((QUESTIONS, DIMENSIONS))).astype(numpy.float32)


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
