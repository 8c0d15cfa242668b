#!/usr/bin/env python3
"""accuracy.py - how far bf16 and int8 are from float32, on real sentences.

    accuracy.py LIBRARY MODEL [--texts PATH...] [--count 2000] [--csv FILE] [--quantize int8]

Sentences come from files of text, of which every n-th sentence of 4 to 40 words is taken; from a
folder of WordNet's data files (Debian's wordnet-base) come its glosses and example sentences, and
word-in-context pairs: a word in two examples of one of its senses, and in one of another. Of each
number type it says

    cosine         of embeddings with those of float32: mean and smallest
    token cosine   the same of every token's last hidden state: smallest
    sense pairs    word-in-context triples (one sense, the same, another): share that float32 gets
                   right, share that this type does, and in how many both say the same
    sense order    Kendall's tau of the similarities of all pairs, with those of float32
"""
import argparse
import glob
import json
import os
import re
import sqlite3
import sys

TYPES = ("bf16", "int8")


def glosses_of(folder):
    """(definitions and examples, {word: {sense: [example that holds the word]}})"""
    texts, words = [], {}
    for path in sorted(glob.glob(os.path.join(folder, "data.*"))):
        with open(path, encoding="utf-8") as file:
            for line in file:
                if line.startswith(" ") or "|" not in line:
                    continue
                fields, gloss = line.split("|", 1)
                fields = fields.split()
                names = [fields[4 + 2 * i].lower() for i in range(int(fields[3], 16))]
                examples = re.findall(r'"([^"]{12,200})"', gloss)
                definition = re.split(r'; *"', gloss.strip(), maxsplit=1)[0]
                texts += [definition] + examples
                for name in names:
                    if name.isalpha() and len(name) > 2:
                        held = [e for e in examples if name in re.findall("[a-z]+", e.lower())]
                        if held:
                            words.setdefault(name, {})[path[-4:] + fields[0]] = held
    return texts, words


def sentences_of(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        text = " ".join(file.read().split())
    return [s for s in re.split(r"(?<=[.!?]) ", text) if 4 <= len(s.split()) <= 40]


def gather(paths, count):
    texts, words = [], {}
    for path in paths:
        if os.path.isdir(path):
            some, senses = glosses_of(path)
            texts += some
            words.update(senses)
        else:
            texts += sentences_of(path)
    texts = list(dict.fromkeys(texts))
    step = max(1, len(texts) // count)
    return texts[::step][:count], words


def triples_of(words, count):
    """(word, example, example of the same sense, example of another)"""
    found = []
    for word in sorted(words):
        senses = list(words[word].values())
        for i, held in enumerate(senses):
            if len(held) > 1 and len(senses) > 1:
                found.append((word, held[0], held[1], senses[i - 1][0]))
    step = max(1, len(found) // max(1, count))
    return found[::step][:count]


def connect(library, model):
    db = sqlite3.connect(":memory:")
    db.enable_load_extension(True)
    db.load_extension(library)
    for kind in ("none",) + TYPES:
        db.execute("SELECT embed_model(?, ?, ?)", (kind, model, json.dumps({"quantize": kind})))
    return db


def cosines(db, kind, texts):
    db.execute("CREATE TEMP TABLE IF NOT EXISTS text(body)")
    db.execute("DELETE FROM temp.text")
    db.executemany("INSERT INTO temp.text VALUES (?)", [(t,) for t in texts])
    return [row[0] for row in db.execute(
        "SELECT cosine(embed(body, 'none'), embed(body, ?)) FROM temp.text", (kind,))]


def token_cosines(db, kind, texts):
    """Of every token of every text, the last hidden state."""
    found = []
    for text in texts:
        found += [row[0] for row in db.execute(
            "SELECT cosine(a.vector, b.vector) FROM hidden_states(?1, 'none', '{\"layer\":-1}') a "
            "JOIN hidden_states(?1, ?2, '{\"layer\":-1}') b USING (position)", (text, kind))]
    return [c for c in found if c is not None]


def similarities(db, kind, triples):
    """[(same sense, another sense)] of the word's vectors in context."""
    ask = "SELECT cosine(token_embedding(?1, ?3, -1, ?4), token_embedding(?2, ?3, -1, ?4))"
    def one(a, b, word):
        return db.execute(ask, (a, b, word, kind)).fetchone()[0]
    return [(one(a, same, word), one(a, other, word)) for word, a, same, other in triples]


def kendall(x, y):
    agree = total = 0
    for i in range(len(x)):
        for j in range(i):
            sign = (x[i] - x[j]) * (y[i] - y[j])
            agree += (sign > 0) - (sign < 0)
            total += 1
    return agree / total if total else 1.0


def measure(db, kind, texts, triples, base):
    near = cosines(db, kind, texts)
    tokens = token_cosines(db, kind, texts)
    row = {"quantize": kind, "texts": len(texts), "mean": sum(near) / len(near),
           "min": min(near), "tokens": len(tokens), "token mean": sum(tokens) / len(tokens),
           "token min": min(tokens), "worst": texts[near.index(min(near))]}
    if triples:
        seen = similarities(db, kind, triples)
        row["triples"] = len(triples)
        row["right float32"] = sum(s > o for s, o in base) / len(base)
        row["right"] = sum(s > o for s, o in seen) / len(seen)
        row["same answer"] = sum((s > o) == (t > p) for (s, o), (t, p) in zip(seen, base)) \
            / len(seen)
        row["tau"] = kendall([v for pair in base for v in pair], [v for pair in seen for v in pair])
    return row


def show(row):
    print(f"{row['quantize']}: cosine mean {row['mean']:.5f} min {row['min']:.5f} "
          f"over {row['texts']} texts; tokens mean {row['token mean']:.5f} "
          f"min {row['token min']:.5f} over {row['tokens']}")
    if "triples" in row:
        print(f"      sense triples right: {row['right']:.3f} (float32 {row['right float32']:.3f}) "
              f"of {row['triples']}; same answer {row['same answer']:.4f}; "
              f"order of similarities tau {row['tau']:.4f}")
    print(f"      worst text: {row['worst']}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("library")
    parser.add_argument("model")
    parser.add_argument("--texts", nargs="*", default=[])
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--triples", type=int, default=300)
    parser.add_argument("--quantize", choices=TYPES)
    parser.add_argument("--csv")
    args = parser.parse_args()
    texts, words = gather(args.texts, args.count)
    if not texts:
        sys.exit("accuracy: no sentences in " + " ".join(args.texts))
    triples = triples_of(words, args.triples)
    db = connect(os.path.abspath(args.library), os.path.abspath(args.model))
    info = json.loads(db.execute("SELECT contextual_info()").fetchone()[0])
    print(f"CPU: {info['cpu']}; kernel: {info['kernel']}; {len(texts)} sentences")
    base = similarities(db, "none", triples) if triples else []
    rows = []
    for kind in (args.quantize,) if args.quantize else TYPES:
        rows.append(measure(db, kind, texts, triples, base))
        show(rows[-1])
    if args.csv:
        keys = [key for key in rows[0] if key != "worst"]
        with open(args.csv, "w", encoding="utf-8") as file:
            file.write(f"# {os.path.basename(args.model)}; {info['cpu']}; kernel {info['kernel']}; "
                       f"make accuracy\n")
            file.write(",".join(keys) + "\n")
            for row in rows:
                file.write(",".join(f"{row[k]:.6f}" if isinstance(row[k], float) else str(row[k])
                                    for k in keys) + "\n")


if __name__ == "__main__":
    main()
