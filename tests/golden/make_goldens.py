#!/usr/bin/env python3
"""Copies reference checkpoints and what the reference computed from them to this folder.

    python3 tests/golden/make_goldens.py REFERENCE [NAME...]

REFERENCE holds one folder for each NAME: a checkpoint as it was saved, golden.json and
golden.safetensors. Everything of the checkpoint is kept, every text with its tokens and its
embeddings. Of the large arrays of the folders that are not in WHOLE enough is kept to tell any
part of the encoder that goes wrong: hidden states of the texts of STATES, attention of those of
ATTENTION, log-probabilities of one text. README.md says what the arrays are.
"""
import json
import pathlib
import shutil
import struct
import sys

import torture_rows

HERE = pathlib.Path(__file__).resolve().parent
WHOLE = {"bert", "bert_cased", "bert_gamma", "bert_v5", "distilbert", "electra", "mpnet",
         "nomic_bert", "nomic_bert_hub", "real_minilm", "static", "model2vec", "elmo"}
STATES = {"bank_money", "pair", "unicode", "empty", "long"}
ATTENTION = {"bank_money", "pair"}
LOGPROBS = {"mask", "bank_money"}
NEVER = {"README.md"}  # a model card, written by the tool that saved the checkpoint


def read_arrays(path):
    """name -> (entry of the header, bytes)"""
    data = path.read_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + size])
    header.pop("__metadata__", None)
    numbers = memoryview(data)[8 + size:]
    return {name: (entry, bytes(numbers[slice(*entry["data_offsets"])]))
            for name, entry in header.items()}


def write_arrays(path, arrays):
    header, at = {}, 0
    for name, (entry, data) in arrays.items():
        header[name] = {"dtype": entry["dtype"], "shape": entry["shape"],
                        "data_offsets": [at, at + len(data)]}
        at += len(data)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text
                     + b"".join(data for _, data in arrays.values()))


def wanted(key, category):
    """Whether the array KEY of a text of this category is kept."""
    if key in ("hidden", "last"):
        return category in STATES
    if key == "attention":
        return category in ATTENTION
    if key == "lm_logprobs":
        return category in LOGPROBS
    return key.startswith("embedding")


def shrink(golden, arrays):
    logprobs = [t["id"] for t in golden["texts"] if "lm_logprobs" in t["arrays"]]
    masked = [t["id"] for t in golden["texts"]
              if t["id"] in logprobs and t["category"] == "mask"]
    for text in golden["texts"]:
        keep = {key: shape for key, shape in text["arrays"].items()
                if wanted(key, text["category"])}
        if "lm_logprobs" in keep and text["id"] not in (masked or logprobs)[:1]:
            del keep["lm_logprobs"]
        text["arrays"] = keep
        text.pop("lm_top5", None)
    names = {f"{t['id']}.{key}" for t in golden["texts"] for key in t["arrays"]}
    return {name: value for name, value in arrays.items() if name in names}


def copy(source):
    target = HERE / source.name
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, ignore=shutil.ignore_patterns(*NEVER))
    for path in [target, *target.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    if source.name in WHOLE:
        return
    golden = json.loads((source / "golden.json").read_text())
    arrays = shrink(golden, read_arrays(source / "golden.safetensors"))
    write_arrays(target / "golden.safetensors", arrays)
    (target / "golden.json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")


def main(reference, *names):
    folders = [path for path in sorted(reference.iterdir())
               if path.is_dir() and path.name != "torture"]
    for source in folders:
        if not names or source.name in names:
            copy(source)
    if not names or "torture" in names:
        for path in sorted((reference / "torture").iterdir()):
            target = HERE / "torture" / path.name
            content = json.loads(path.read_text())
            if path.name == "lines.json":
                shutil.copyfile(path, target)
                target.chmod(0o644)
            else:
                torture_rows.write(target, content, content.pop("rows"))


main(pathlib.Path(sys.argv[1]), *sys.argv[2:])
