#!/usr/bin/env python3
"""bench_tokenizers.py - text to tokens with offsets, beside Hugging Face's tokenizers.

    bench_tokenizers.py WORKER [TOKENIZER.json ...] [--rounds N] [--csv FILE] [--only PART]

WORKER is the program made of bench_tokenizers.c. Without files it trains tokenizers of real size on
text found on the machine (translations of programs' messages, in eleven languages) and keeps them
in build/bench-tokenizers. Texts have some 500 characters; both sides use one thread, and
take turns; a figure is the median of the rounds, a quotient the median of the rounds' quotients.
Before anything is timed ids and offsets of all texts are compared.

Then texts of a million characters made to be slow are timed, and twice as long ones. --only speed
and --only doubling leave the other part out.
"""
import argparse
import array
import collections
import glob
import json
import math
import os
import platform
import random
import statistics
import struct
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
VENV = os.path.join(TOP, "build", "bench-venv")
KEPT = os.path.join(TOP, "build", "bench-tokenizers")
PACKAGES = ["tokenizers==0.22.2", "sentencepiece==0.2.1"]
LANGUAGES = {"German": "de", "French": "fr", "Greek": "el", "Russian": "ru", "Chinese": "zh_CN",
             "Japanese": "ja", "Korean": "ko", "Hindi": "hi", "Arabic": "ar", "Thai": "th"}
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|"
          r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")


# ---- Texts -------------------------------------------------------------------------------


def messages(path):
    """Pairs of a .mo file: (English, translated)."""
    with open(path, "rb") as file:
        data = file.read()
    if data[:4] != b"\xde\x12\x04\x95":
        return []
    count, originals, translations = struct.unpack_from("<III", data, 8)

    def at(table, i):
        size, place = struct.unpack_from("<II", data, table + 8 * i)
        return data[place:place + size].decode("utf-8", "replace").replace("\0", " ")
    return [(at(originals, i), at(translations, i)) for i in range(1, count)]


def make_texts(limit=1500000, others=400000):
    """{language: texts of some 500 characters}."""
    lines = collections.defaultdict(dict)
    for name, code in LANGUAGES.items():
        for path in sorted(glob.glob(f"/usr/share/locale/{code}/LC_MESSAGES/*.mo")):
            for english, other in messages(path):
                lines["English"][english] = None
                if other != english:
                    lines[name][other] = None
    lines = {name: list(found) for name, found in lines.items()}
    chance = random.Random(1)
    words = " ".join(lines["English"][:20000]).split()
    smile = [chr(c) for c in range(0x1F600, 0x1F650)]
    smile += ["\U0001F468\u200D\U0001F4BB", "\u2764\uFE0F", "\U0001F44D\U0001F3FD",
              "\U0001F1E9\U0001F1EA"]
    lines["emoji"] = [" ".join(chance.choice(smile) if chance.random() < .4
                               else chance.choice(words) for _ in range(12)) for _ in range(4000)]
    texts = {}
    for name in ["English"] + list(LANGUAGES) + ["emoji"]:
        chance.shuffle(lines[name])
        texts[name], text, size = [], "", 0
        for line in lines[name]:
            if name == "English" and not line.isascii():
                continue
            text += line + " "
            if len(text) >= 500:
                texts[name].append(text.rstrip())
                size += len(text.encode())
                text = ""
            if size >= (limit if name == "English" else others):
                break
    return texts


# Texts that naive tokenizers take long for, by what they repeat; ONE_WORD repeats nothing.
ONE_WORD = "one word"
SLOW = {"a": "a", "spaces": " ", "line feeds": "\n", "combining marks": "\u0301\u0323",
        "digits": "1234567890", "apostrophes": "'", "hyphens": "-", "Chinese": "\u4e2d\u6587",
        ONE_WORD: "", "near misses": "[MAS [CL <pa <s [SE <|endoftex ", "brackets": "<|",
        "emoji": "\U0001F468\u200D", "Thai": "\u0e01\u0e34\u0e19", "words of a letter": "a ",
        "spaces and tabs": " \t", "Hangul": "\ud55c\uad6d\uc5b4", "ligatures": "\ufdfa"}


def adversarial(size, kind):
    """The text of that kind, of `size` characters."""
    if kind == ONE_WORD:
        chance = random.Random(2)
        return "".join(chance.choice("etaoinshrdlu") for _ in range(size))
    begin = "e" if kind == "combining marks" else ""
    return (begin + SLOW[kind] * (size // len(SLOW[kind]) + 1))[:size]


# ---- Tokenizers --------------------------------------------------------------------------


def train_piece(texts, folder, size):
    """SentencePiece's trainer: [[piece, score], ...] and its map of characters."""
    import sentencepiece
    prefix = os.path.join(folder, f"sentencepiece-{size}")
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts), model_prefix=prefix, vocab_size=size, model_type="unigram",
        normalization_rule_name="nmt_nfkc", hard_vocab_limit=False, character_coverage=0.9998,
        num_threads=2, minloglevel=2, max_sentence_length=100000, num_sub_iterations=1)
    with open(prefix + ".model", "rb") as file:
        data = file.read()

    def fields(data):
        at = 0
        while at < len(data):
            def number():
                nonlocal at
                value = shift = 0
                while True:
                    byte = data[at]
                    at += 1
                    value |= (byte & 127) << shift
                    shift += 7
                    if byte < 128:
                        return value
            key = number()
            if key & 7 == 2:
                length = number()
                yield key >> 3, data[at:at + length]
                at += length
            elif key & 7 == 5:
                yield key >> 3, struct.unpack_from("<f", data, at)[0]
                at += 4
            else:
                yield key >> 3, number()
    pieces, charsmap = [], b""
    for field, value in fields(data):
        if field == 1:
            piece = dict(fields(value))
            pieces.append((piece[1].decode(), piece.get(2, 0.0)))
        elif field == 3:
            charsmap = dict(fields(value)).get(2, b"")
    return pieces, charsmap


def train(texts, folder):
    """Writes the tokenizers that are not there yet; returns their paths."""
    from tokenizers import (AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers,
                            trainers)
    os.makedirs(folder, exist_ok=True)
    lines = [text for found in texts.values() for text in found]
    byte_level = pre_tokenizers.ByteLevel
    alphabet = byte_level.alphabet()

    def save(name, make):
        path = os.path.join(folder, name + ".json")
        if not os.path.exists(path):
            begin = time.time()
            tokenizer = make()
            tokenizer.save(path)
            print(f"trained {name}: {tokenizer.get_vocab_size()} tokens, "
                  f"{time.time() - begin:.0f} s", file=sys.stderr)
        return path

    def wordpiece():
        t = Tokenizer(models.WordPiece(unk_token="[UNK]"))
        t.normalizer = normalizers.BertNormalizer()
        t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        t.train_from_iterator(lines, trainers.WordPieceTrainer(
            vocab_size=30522, show_progress=False,
            special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]))
        return t

    def bpe(size, before, normalizer=None, letters=alphabet, **settings):
        t = Tokenizer(models.BPE(**settings))
        t.pre_tokenizer = before
        if normalizer:
            t.normalizer = normalizer
        t.train_from_iterator(lines, trainers.BpeTrainer(
            vocab_size=size, show_progress=False, initial_alphabet=letters, min_frequency=1,
            max_token_length=24, special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"]))
        return t

    def split(pattern):
        return pre_tokenizers.Sequence([
            pre_tokenizers.Split(Regex(pattern), "isolated"),
            byte_level(add_prefix_space=False, use_regex=False)])

    def gemma():
        t = bpe(150000, pre_tokenizers.Metaspace(prepend_scheme="never"), None, [])
        value = json.loads(t.to_str())
        value["normalizer"] = {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}
        value["pre_tokenizer"] = {"type": "Split", "pattern": {"String": " "},
                                  "behavior": "MergedWithPrevious", "invert": False}
        return Tokenizer.from_str(json.dumps(value))

    def unigram(size, before, replaces):
        pieces, charsmap = train_piece(lines, folder, size)
        t = Tokenizer(models.Unigram(pieces, 0, False))
        steps = [normalizers.Precompiled(charsmap)]
        if replaces:
            steps.append(normalizers.Replace(Regex(" {2,}"), " "))
        t.normalizer = normalizers.Sequence(steps)
        t.pre_tokenizer = before
        t.add_special_tokens([AddedToken("<s>"), AddedToken("</s>"),
                              AddedToken("<mask>", lstrip=True)])
        return t

    metaspace = pre_tokenizers.Metaspace()
    spaced = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), metaspace])
    return [
        save("WordPiece-BERT", wordpiece),
        save("BPE-GPT2", lambda: bpe(50257, byte_level(add_prefix_space=False))),
        save("BPE-Llama3", lambda: bpe(128000, split(LLAMA3))),
        save("BPE-Qwen", lambda: bpe(151643, split(QWEN), normalizers.NFC())),
        save("BPE-Gemma", gemma),
        save("Unigram-T5", lambda: unigram(32000, spaced, False)),
        save("Unigram-XLMR", lambda: unigram(120000, metaspace, True)),
    ]


# ---- Measuring ---------------------------------------------------------------------------


class Worker:
    def __init__(self, program, path):
        self.process = subprocess.Popen([program, path], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.about = self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit("bench_tokenizers: the worker stopped")
        return json.loads(line)

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.answer()

    def load(self, texts, folder):
        path = os.path.join(folder, f"texts-{os.getpid()}")
        with open(path, "wb") as file:
            file.write(b"".join(text.encode() + b"\0" for text in texts))
        self.ask("load " + path)
        os.unlink(path)

    def tokens(self, folder):
        path = os.path.join(folder, f"tokens-{os.getpid()}")
        self.ask("write " + path)
        numbers = array.array("i")
        with open(path, "rb") as file:
            numbers.frombytes(file.read())
        os.unlink(path)
        return numbers

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def first_difference(numbers, encodings, texts):
    """A sentence on the first text whose tokens differ; None: all are the same."""
    at = 0
    for text, encoding in zip(texts, encodings):
        count = numbers[at]
        ours = numbers[at + 1:at + 1 + 3 * count]
        at += 1 + 3 * count
        theirs = array.array("i")
        for i, (start, end) in zip(encoding.ids, encoding.offsets):
            theirs.extend((i, start, end))
        if ours != theirs:
            for i in range(0, max(len(ours), len(theirs)), 3):
                if ours[i:i + 3] != theirs[i:i + 3]:
                    return (f"token {i // 3}: {list(ours[i:i + 3])}, theirs "
                            f"{list(theirs[i:i + 3])} in {text[:200]!r}")
    return None


def measure(tokenizer, worker, texts, rounds):
    """Megabytes a second: (ours, theirs, quotient)."""
    size = sum(len(text.encode()) for text in texts) / 1e6
    ours, theirs = [], []
    for i in range(rounds + 1):
        begin = time.perf_counter()
        tokenizer.encode_batch(texts, add_special_tokens=False)
        seconds = time.perf_counter() - begin
        repeats = [worker.ask("time")["seconds"] for _ in range(3)]
        if i > 0:
            ours.append(size / statistics.median(repeats))
            theirs.append(size / seconds)
    quotient = statistics.median(a / b for a, b in zip(ours, theirs))
    return statistics.median(ours), statistics.median(theirs), quotient


def name_of(path):
    name = os.path.splitext(os.path.basename(path))[0]
    return os.path.basename(os.path.dirname(path)) if name == "tokenizer" else name


def compare(args, paths, texts, folder):
    from tokenizers import Tokenizer
    rows = [["tokenizer", "vocabulary", "text", "MB/s", "first MB/s", "tokenizers MB/s", "ratio"]]
    for path in paths:
        tokenizer = Tokenizer.from_file(path)
        tokenizer.no_truncation()
        tokenizer.no_padding()
        name = name_of(path)
        worker = Worker(args.worker, path)
        for language, found in texts.items():
            if args.text and language not in args.text:
                continue
            worker.load(found, folder)
            size = sum(len(text.encode()) for text in found) / 1e6
            first = size / worker.ask("time")["seconds"]
            wrong = None if args.unchecked else first_difference(
                worker.tokens(folder), tokenizer.encode_batch(found, add_special_tokens=False),
                found)
            if wrong:
                print(f"{name}, {language}: {wrong}")
            ours, theirs, quotient = measure(tokenizer, worker, found, args.rounds)
            rows.append([name, tokenizer.get_vocab_size(), language, "%.1f" % ours, "%.1f" % first,
                         "%.2f" % theirs, "%.1f" % quotient])
            print("%-16s %-10s %8.1f MB/s (first %6.1f), theirs %6.2f: %6.1f x"
                  % (name, language, ours, first, theirs, quotient), flush=True)
        worker.close()
    return rows


def doubled(worker, kind, folder):
    """Seconds for a million characters, and for two: the least of some, taken in turns."""
    least = {}
    for _ in range(2):
        for size in (1000000, 2000000):
            worker.load([adversarial(size, kind)], folder)
            repeats = [worker.ask("time")["seconds"] for _ in range(3)]
            least[size] = min(repeats + [least.get(size, math.inf)])
    return least[1000000], least[2000000]


def slow_texts(args, paths, folder):
    rows = [["tokenizer", "text made to be slow", "ms", "ms of twice as much", "ratio"]]
    for path in paths:
        worker = Worker(args.worker, path)
        name = name_of(path)
        for kind in SLOW:
            once, twice = doubled(worker, kind, folder)
            rows.append([name, kind, "%.1f" % (1000 * once), "%.1f" % (1000 * twice),
                         "%.2f" % (twice / once)])
            print("%-16s %-18s %8.1f ms, twice as much %8.1f ms: %5.2f x"
                  % (name, kind, 1000 * once, 1000 * twice, twice / once), flush=True)
        worker.close()
    return rows


def cpu_name():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor()


def enter_venv():
    """Goes on in the Python that has the peers."""
    python = os.path.join(VENV, "bin", "python")
    if not os.path.exists(python):
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
    if os.environ.get("BENCH_TOKENIZERS_INSIDE") != "1":
        have = subprocess.run([python, "-c", "import tokenizers, sentencepiece"],
                              stderr=subprocess.DEVNULL)
        if have.returncode:
            subprocess.run([python, "-m", "pip", "install", "--quiet",
                            "--disable-pip-version-check"] + PACKAGES, check=True)
        env = dict(os.environ, BENCH_TOKENIZERS_INSIDE="1", TOKENIZERS_PARALLELISM="false",
                   RAYON_NUM_THREADS="1")
        os.execve(python, [python, os.path.abspath(__file__)] + sys.argv[1:], env)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("worker")
    parser.add_argument("tokenizer", nargs="*")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--csv")
    parser.add_argument("--text", action="append", help="this language alone")
    parser.add_argument("--unchecked", action="store_true", help="compare no tokens")
    parser.add_argument("--only", choices=["speed", "doubling"])
    args = parser.parse_args()
    enter_venv()
    import tokenizers
    texts = make_texts()
    os.makedirs(KEPT, exist_ok=True)
    paths = args.tokenizer or train(texts, KEPT)
    print(f"CPU: {cpu_name()}; tokenizers {tokenizers.__version__}, one thread")
    tables = []
    if args.only != "doubling":
        tables.append(compare(args, paths, texts, KEPT))
    if args.only != "speed":
        tables.append(slow_texts(args, paths, KEPT))
    if args.csv:
        with open(args.csv, "w", encoding="utf-8") as file:
            file.write(f"# {time.strftime('%Y-%m-%d')}; {cpu_name()}; tokenizers "
                       f"{tokenizers.__version__}, one thread each; medians of {args.rounds} "
                       "rounds; make bench-tokenizers\n")
            for row in sum(tables, []):
                file.write(",".join(str(cell) for cell in row) + "\n")


if __name__ == "__main__":
    main()
