"""Memory that a process holds: while a model is loaded, and in steady state.

    CONTEXTUAL_LIBRARY=./contextual.so /usr/bin/python3 tests/host/test_memory.py

Each figure is the peak of a fresh process (VmHWM) less what it had before the model; sizes are
what embed_models says the model's weights take, and the file's largest tensor. Wants the real
model (models/all-MiniLM-L6-v2, or the folder in CONTEXTUAL_TEST_MODEL) and Linux.
"""
import json
import os
import pathlib
import sqlite3
import struct
import subprocess
import sys
import unittest

import case

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
LIBRARY = os.path.abspath(os.environ.get("CONTEXTUAL_LIBRARY", TOP / "contextual.so"))
MODEL = pathlib.Path(os.environ.get("CONTEXTUAL_TEST_MODEL",
                                    TOP / "models" / "all-MiniLM-L6-v2"))
MIB = 1 << 20
SMALL = 2 * MIB  # tokenizer's files, SQLite, Python's own

CHILD = r"""
import json, sqlite3, sys
library, model, quantize, work = sys.argv[1:]
def peak():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM"))
db = sqlite3.connect(":memory:")
db.enable_load_extension(True)
db.load_extension(library)
before = peak()
db.execute("SELECT embed_model('m', ?, ?)", (model, json.dumps({"quantize": quantize})))
bytes, = db.execute("SELECT bytes FROM embed_models WHERE name = 'm'").fetchone()
text = "the river bank was high and the old bridge would not hold another cart " * 30
if work == "batch":
    for _ in range(3):
        db.execute("SELECT count(embedding) FROM embed_each(?, 'm')",
                   (json.dumps([text] * 32),)).fetchone()
elif work == "attention":
    rows, = db.execute("SELECT count(weight) FROM attention(?, 'm')", (text,)).fetchone()
    assert rows > 10 ** 6, rows
print(json.dumps([peak() - before, bytes]))
"""


def largest_tensor():
    with open(MODEL / "model.safetensors", "rb") as file:
        size, = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(size))
    return max(t["data_offsets"][1] - t["data_offsets"][0]
               for name, t in header.items() if name != "__metadata__")


@unittest.skipUnless((MODEL / "model.safetensors").exists(), "the real model is not there")
@unittest.skipUnless(os.path.exists("/proc/self/status"), "no /proc")
class Memory(unittest.TestCase):
    def peak(self, quantize, work):
        out = subprocess.run([sys.executable, "-c", CHILD, LIBRARY, str(MODEL), quantize, work],
                             capture_output=True, text=True, check=True).stdout
        return json.loads(out)

    def test_loading_holds_the_weights_and_one_tensor_at_most(self):
        for quantize in ("none", "bf16", "int8"):
            with self.subTest(quantize):
                peak, weights = self.peak(quantize, "load")
                self.assertLess(peak, weights + largest_tensor() + SMALL)

    def test_a_batch_of_32_texts_of_256_tokens_takes_32_mib_beside_the_weights(self):
        for quantize in ("none", "bf16", "int8"):
            with self.subTest(quantize):
                peak, weights = self.peak(quantize, "batch")
                self.assertLess(peak, weights + 32 * MIB)

    def test_attention_row_by_row_takes_64_mib_beside_the_weights(self):
        for quantize in ("none", "int8"):
            with self.subTest(quantize):
                peak, weights = self.peak(quantize, "attention")
                self.assertLess(peak, weights + 64 * MIB)

    def test_int8_takes_a_third_of_float32(self):
        sizes = [self.peak(quantize, "load")[1] for quantize in ("none", "bf16", "int8")]
        self.assertLess(sizes[1], 0.55 * sizes[0])
        self.assertLess(sizes[2], 0.30 * sizes[0])


if __name__ == "__main__":
    sys.exit(case.run(Memory))
