"""plan.py - what bench.py measures, and what the measurements are held to.

A piece is a set of measurements whose engines take turns. A measurement is one of

    Timing    a worker (worker.py) does a work; timings that share a name are several ways of one
              engine to do the same, of which the best counts
    Peak      what the processor could do on registers alone (lab.c)
    Start     a fresh sqlite3 process, up to its first embedding

A target compares two of a piece by name.
"""
from dataclasses import dataclass, field

OWN_TYPES = ("float32", "bf16", "int8")
FORMS = ("attention", "multihead")


@dataclass(frozen=True)
class Timing:
    name: str
    engine: str
    type: str
    work: str
    threads: int
    kernel: str = ""  # CONTEXTUAL_KERNEL

    def ways(self):
        return f"{self.work}, {self.type}"


@dataclass(frozen=True)
class Peak:
    name: str
    kernel: str = ""  # with whose instructions; "": the widest


@dataclass(frozen=True)
class Start:
    name: str
    type: str
    packed: bool


@dataclass(frozen=True)
class Target:
    text: str
    piece: str
    ours: str
    theirs: str   # "" where `least` or `most` is absolute
    least: float = None
    most: float = None
    faster_is_more: bool = True  # texts per second, not milliseconds
    cores: int = 1  # at work, for what the processor could do at best


@dataclass
class Piece:
    name: str
    title: str
    unit: str
    table: str
    count: int
    measurements: list = field(default_factory=list)


def own(types, work, threads, note="", kernel=""):
    return [Timing(f"{t}{note}", "contextual", t, work, threads, kernel) for t in types]


def onnxruntime(types, works, threads, engine="onnxruntime"):
    return [Timing(f"onnxruntime {t}", engine, f"{t} {form}", work, threads)
            for t in types for form in FORMS for work in works]


def llama(works, threads):
    return [Timing(f"llama.cpp {t}", "llama.cpp", t, work, threads)
            for t in ("float32", "Q8_0") for work in works]


def torch(works, threads):
    return [Timing("sentence-transformers", "torch", "float32", work, threads) for work in works]


def pieces(cores, avx512):
    both = ("float32", "int8")
    rows_and_batches = ("row", "batch")
    made = [
        Piece("short-row", "short texts, one row at a time, 1 thread", "texts/s", "short", 200,
              own(OWN_TYPES, "row", 1) + onnxruntime(both, ["row"], 1) + llama(["row"], 1)
              + torch(["row"], 1) + [Peak("peak of one core")]),
        Piece("short-all", f"short texts, many at once, {cores} threads", "texts/s", "short", 400,
              own(OWN_TYPES, "batch", cores) + own(OWN_TYPES, "each", cores, " embed_each")
              + onnxruntime(both, rows_and_batches, cores) + llama(["batch"], cores)
              + torch(["batch"], cores)),
        Piece("long-row", "long texts, 1 thread", "texts/s", "long", 12,
              own(OWN_TYPES, "row", 1) + onnxruntime(both, rows_and_batches, 1)
              + llama(["row"], 1) + torch(["row"], 1) + [Peak("peak of one core")]),
        Piece("long-all", f"long texts, {cores} threads", "texts/s", "long", 24,
              own(OWN_TYPES, "batch", cores) + own(OWN_TYPES, "batch", 1, " 1 thread")
              + onnxruntime(both, rows_and_batches, cores) + llama(["row"], cores)
              + torch(["batch"], cores)),
        Piece("latency", "one short text", "ms", "short", 60,
              own(OWN_TYPES, "latency", 1, " 1 thread")
              + own(OWN_TYPES, "latency", cores, f" {cores} threads")
              + [Timing(f"onnxruntime {t} {n} threads", "onnxruntime", f"{t} {form}", "latency", n)
                 for n in sorted({1, cores}) for t in both for form in FORMS]
              + [Timing("llama.cpp float32", "llama.cpp", "float32", "latency", cores)]),
        Piece("first", "first embedding of a fresh sqlite3 process", "ms", "", 0,
              [Start("float32 from the checkpoint", "float32", False),
               Start("int8 from the checkpoint", "int8", False)]
              + [Start(f"{t} from the packed file", t, True) for t in OWN_TYPES]),
    ]
    if avx512:
        made += avx2_pieces(cores)
    return made


def avx2_pieces(cores):
    """Both engines as they go on a processor without AVX-512 (onnx_avx2.py)."""
    found = []
    for name, title, table, count, work, threads in (
            ("avx2-short-row", "short texts, one row at a time, 1 thread", "short", 120, "row", 1),
            ("avx2-short-all", f"short texts, many at once, {cores} threads", "short", 240,
             "batch", cores),
            ("avx2-long-row", "long texts, 1 thread", "long", 8, "row", 1)):
        peer_works = ["row"] if name == "avx2-short-row" else ["row", "batch"]
        found.append(Piece(name, "AVX2 only: " + title, "texts/s", table, count,
                           own(("float32", "int8"), work, threads, kernel="avx2")
                           + onnxruntime(["float32"], peer_works, threads, "onnxruntime-avx2")
                           + [Peak("peak of one core", "avx2")]))
    return found


def targets(cores, bf16, avx512):
    ort, ort8, llama32, q8 = ("onnxruntime float32", "onnxruntime int8", "llama.cpp float32",
                              "llama.cpp Q8_0")
    rows = [
        Target("short texts row by row, 1 thread, float32", "short-row", "float32", ort, 2.0),
        Target("short texts row by row, 1 thread, int8", "short-row", "int8", ort8, 2.2),
        Target("short texts, embed_query, all cores, float32", "short-all", "float32", ort, 1.5),
        Target("short texts, embed_query, all cores, int8", "short-all", "int8", ort8, 2.0),
        Target("long texts, 1 thread, float32", "long-row", "float32", ort, 1.2),
        Target("long texts, 1 thread, float32, of the FMA peak", "long-row", "float32",
               "peak of one core", 0.8),
        Target("long texts, 1 thread, int8", "long-row", "int8", ort8, 2.0 if bf16 else 1.7),
        Target("long texts, all cores, float32, to its 1 thread", "long-all", "float32",
               "float32 1 thread", 0.95 * cores),
        Target("long texts, all cores, int8, to its 1 thread", "long-all", "int8",
               "int8 1 thread", 0.95 * cores)]
    if bf16:
        rows += [Target("short texts row by row, 1 thread, bf16", "short-row", "bf16", "float32",
                        1.5),
                 Target("long texts, 1 thread, bf16", "long-row", "bf16", "float32", 1.5)]
    for piece, title in (("short-row", "short texts row by row, 1 thread"),
                         ("short-all", "short texts, all cores"),
                         ("long-row", "long texts, 1 thread"),
                         ("long-all", "long texts, all cores")):
        rows += [Target(title + ", float32", piece, "float32", llama32, 2.5),
                 Target(title + ", int8", piece, "int8", q8, 6.0)]
    if cores > 1:
        rows += [Target(f"one short text, {cores} threads to 1, float32", "latency",
                        f"float32 {cores} threads", "float32 1 thread", most=0.7,
                        faster_is_more=False)]
    rows += [Target("first embedding, float32", "first", "float32 from the packed file", "",
                    most=60, faster_is_more=False),
             Target("first embedding, int8", "first", "int8 from the packed file", "", most=30,
                    faster_is_more=False)]
    if avx512:
        for piece, title, least, busy in (
                ("avx2-short-row", "AVX2 only, short texts row by row, 1 thread", 2.0, 1),
                ("avx2-short-all", "AVX2 only, short texts, all cores", 1.5, cores),
                ("avx2-long-row", "AVX2 only, long texts, 1 thread", 1.2, 1)):
            rows += [Target(title + ", float32", piece, "float32", ort, least, cores=busy),
                     Target(title + ", int8", piece, "int8", "float32", 1.0)]
    return rows
