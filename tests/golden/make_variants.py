#!/usr/bin/env python3
"""Makes what is here beside the plain fixtures: two checkpoints from bert with goldens of the
reference, and the token ids of the torture lines for bert_gamma's tokenizer.

    pip install torch==2.8.0 transformers==5.12.1 sentence-transformers==5.6.1
    python3 tests/golden/make_variants.py

bert_prompt    prompts that are left out of the pooling (include_prompt: false), one of them the
               default, one ending in a special token
bert_pooling   every kind of pooling, concatenated, then Dense and LayerNorm, then truncate_dim;
               prompts that are pooled too

torture/bert_gamma.json    tokenizer.json applied by `tokenizers`, without its truncation and padding

Weights of Dense and LayerNorm are drawn from a fixed seed, so that a second run writes the same
files. golden.json holds texts, the token ids that were embedded and, per text, the names of the
arrays in golden.safetensors: "embedding" (no prompt asked for) and "embedding_NAME".
"""
import contextlib
import json
import os
import pathlib
import shutil
import sys

os.environ["HF_HUB_OFFLINE"] = "1"

import numpy
import safetensors.numpy
import sentence_transformers
import tokenizers
import torch
import transformers
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer import modules

HERE = pathlib.Path(__file__).resolve().parent
BASE = HERE / "bert"
TEXTS = [t for t in json.loads((BASE / "golden.json").read_text())["texts"] if not t["pair"]]


def start(name):
    folder = HERE / name
    shutil.rmtree(folder, ignore_errors=True)
    return folder


def make_prompt():
    folder = start("bert_prompt")
    shutil.copytree(BASE, folder, ignore=shutil.ignore_patterns("golden.*"))
    pooling = folder / "1_Pooling" / "config.json"
    settings = json.loads(pooling.read_text())
    settings["include_prompt"] = False
    pooling.write_text(json.dumps(settings, indent=2) + "\n")
    general = folder / "config_sentence_transformers.json"
    settings = json.loads(general.read_text())
    settings["prompts"] = {"query": "who asked: ", "passage": "the bank said ",
                           "marked": "left [SEP]", "none": ""}
    settings["default_prompt_name"] = "passage"
    general.write_text(json.dumps(settings, indent=2) + "\n")
    return folder


def make_pooling():
    folder = start("bert_pooling")
    torch.manual_seed(20)
    encoder = modules.Transformer(str(BASE))
    width = encoder.get_embedding_dimension()
    kinds = modules.Pooling.POOLING_MODES
    pooling = modules.Pooling(width, kinds)
    dense = modules.Dense(width * len(kinds), 48, activation_function=torch.nn.Identity())
    norm = modules.LayerNorm(48)
    with torch.no_grad():
        norm.norm.weight.normal_(1, 0.2)
        norm.norm.bias.normal_(0, 0.2)
    model = SentenceTransformer(modules=[encoder, pooling, dense, norm], device="cpu",
                                prompts={"query": "who asked: ", "document": "a paper of "},
                                truncate_dim=40)
    model.max_seq_length = 24
    model.save(str(folder), create_model_card=False)
    return folder


@contextlib.contextmanager
def record_ids(model):
    """The token ids of every text that goes through the encoder, in a list."""
    ids = []
    hook = model[0].register_forward_pre_hook(
        lambda module, inputs: ids.extend(inputs[0]["input_ids"].tolist()))
    try:
        yield ids
    finally:
        hook.remove()


def write_golden(folder):
    model = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    settings = json.loads((folder / "config_sentence_transformers.json").read_text())
    prompts = settings["prompts"]  # the model's own list has "query" and "document" added
    arrays, texts = {}, []
    for entry in TEXTS:
        text = {key: entry[key] for key in ("id", "category", "text")} | {"arrays": {}}
        for name in (None, *prompts):
            with record_ids(model) as ids:
                vector = model.encode([entry["text"]], prompt_name=name)[0]
            assert vector.dtype == numpy.float32 and numpy.isfinite(vector).all()
            suffix = f"_{name}" if name else ""
            text["embedding_input_ids" + suffix] = ids[-1]
            text["arrays"]["embedding" + suffix] = list(vector.shape)
            arrays[f"{entry['id']}.embedding{suffix}"] = vector
        texts.append(text)
    golden = {
        "format": 1,
        "folder": folder.name,
        "stack": {"python": sys.version.split()[0], "torch": torch.__version__,
                  "transformers": transformers.__version__,
                  "sentence_transformers": sentence_transformers.__version__,
                  "numpy": numpy.__version__},
        "pooling": {"prompts": prompts, "default_prompt_name": model.default_prompt_name,
                    "normalize": any(isinstance(m, modules.Normalize) for m in model)},
        "texts": texts,
    }
    (folder / "golden.json").write_text(json.dumps(golden, ensure_ascii=True) + "\n")
    safetensors.numpy.save_file(arrays, str(folder / "golden.safetensors"))


def write_torture(name):
    tokenizer = tokenizers.Tokenizer.from_file(str(HERE / name / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    rows = []
    for line in json.loads((HERE / "torture" / "lines.json").read_text()):
        encoding = tokenizer.encode(line)
        rows.append([encoding.ids, [bound for pair in encoding.offsets for bound in pair]])
    lines = ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows)
    head = json.dumps({"tokenizer": name, "vocab_size": tokenizer.get_vocab_size()})
    (HERE / "torture" / f"{name}.json").write_text(f'{head[:-1]}, "rows": [\n{lines}\n]}}\n')


torch.set_num_threads(1)
write_torture("bert_gamma")
for make in (make_prompt, make_pooling):
    write_golden(make())
