#!/usr/bin/env python3
"""Makes what is here beside the plain fixtures: checkpoints with goldens of the reference,
and the token ids of the torture lines for bert_gamma's tokenizer.

    pip install torch==2.8.0 transformers==5.12.1 sentence-transformers==5.6.1
    python3 tests/golden/make_variants.py

bert_prompt    prompts that are left out of the pooling (include_prompt: false), one of them the
               default, one ending in a special token
gpt2_prompt    the same without a template: nothing stands behind a prompt but its text
bert_pooling   every kind of pooling, concatenated, then Dense and LayerNorm, then truncate_dim;
               prompts that are pooled too

deberta_absolute   DeBERTa with a table of positions, segments, narrow embeddings, one kind of
                   relative attention, and a span that texts exceed; no modules.json
deberta_v2_apart   DeBERTa v2 with projections for distances alone, a row for each distance, and a
                   convolution in groups

torture/bert_gamma.json    tokenizer.json applied by `tokenizers`, without truncation and padding

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

import torture_rows

HERE = pathlib.Path(__file__).resolve().parent
BASE = HERE / "bert"
STATES = "bank_money", "unicode", "empty", "long"
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


def make_bytes():
    folder = start("gpt2_prompt")
    shutil.copytree(HERE / "gpt2", folder, ignore=shutil.ignore_patterns("golden.*"))
    pooling = folder / "1_Pooling" / "config.json"
    settings = json.loads(pooling.read_text())
    settings |= {"include_prompt": False, "pooling_mode_lasttoken": True}
    pooling.write_text(json.dumps(settings, indent=2) + "\n")
    general = folder / "config_sentence_transformers.json"
    settings = json.loads(general.read_text())
    settings["prompts"] = {"query": "who asked: ", "joined": "un",
                           "marked": "left <|endoftext|>",
                           "letters": "\u00e9t\u00e9 \U0001f34e"}
    settings["default_prompt_name"] = "query"
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


def draw(model):
    """Weights with which attention is far from uniform and every bias and norm matters."""
    generator = torch.Generator().manual_seed(22)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "LayerNorm.weight" in name:
                weight.normal_(1, 0.2, generator=generator)
            elif weight.dim() == 1:
                weight.normal_(0, 0.2, generator=generator)
            elif "embeddings" in name:
                weight.normal_(0, 0.6, generator=generator)
            else:
                weight.normal_(0, 1.2 / weight.shape[1] ** 0.5, generator=generator)


def make_deberta(name, kind, **settings):
    folder = start(name)
    vocabulary = json.loads((BASE / "config.json").read_text())["vocab_size"]
    config = transformers.AutoConfig.for_model(
        kind, vocab_size=vocabulary, hidden_size=32, num_attention_heads=4,
        num_hidden_layers=2, intermediate_size=48, relative_attention=True, **settings)
    model = transformers.AutoModel.from_config(config)
    draw(model)
    model.save_pretrained(folder)
    shutil.copy(BASE / "tokenizer.json", folder)
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 40,
                "pad_token": "[PAD]"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=2) + "\n")
    return folder


def make_absolute():
    return make_deberta("deberta_absolute", "deberta", pos_att_type=["p2c"],
                        position_biased_input=True, type_vocab_size=2, embedding_size=20,
                        max_position_embeddings=40, max_relative_positions=10)


def make_apart():
    return make_deberta("deberta_v2_apart", "deberta-v2", pos_att_type="c2p|p2c",
                        position_biased_input=False, type_vocab_size=0,
                        max_position_embeddings=16, share_att_key=False, position_buckets=-1,
                        conv_kernel_size=5, conv_groups=2, conv_act="tanh")


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


def add_states(model, text, arrays):
    """Hidden states, and attention of one text."""
    inputs = model.tokenizer(text["text"], truncation=True, return_tensors="pt",
                             max_length=model.max_seq_length, return_token_type_ids=True)
    inputs = {key: inputs[key] for key in ("input_ids", "token_type_ids")}
    with torch.no_grad():
        out = model[0].model(**inputs, output_hidden_states=True, output_attentions=True)
    found = {"hidden": torch.cat(out.hidden_states)}
    if text["category"] == "bank_money":
        found["attention"] = torch.cat(out.attentions)
    text |= {"pair": None, "input_ids": inputs["input_ids"][0].tolist(),
             "type_ids": inputs["token_type_ids"][0].tolist(), "model_inputs": list(inputs)}
    for key, value in found.items():
        text["arrays"][key] = list(value.shape)
        arrays[f"{text['id']}.{key}"] = value.contiguous().numpy()


def write_golden(folder):
    model = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    general = folder / "config_sentence_transformers.json"
    # the model's own list has "query" and "document" added
    prompts = json.loads(general.read_text())["prompts"] if general.exists() else {}
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
        if not general.exists() and entry["category"] in STATES:
            add_states(model, text, arrays)
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
    head = {"tokenizer": name, "vocab_size": tokenizer.get_vocab_size()}
    torture_rows.write(HERE / "torture" / f"{name}.json", head, rows)


torch.set_num_threads(1)
write_torture("bert_gamma")
for make in (make_prompt, make_bytes, make_pooling, make_absolute, make_apart):
    write_golden(make())
