#!/usr/bin/env python3
"""Makes torch/, a checkpoint whose weights are PyTorch's own files, and the same weights as
safetensors to compare with.

    pip install torch==2.8.0 safetensors==0.8.0
    python3 tests/golden/make_torch.py

pytorch_model.bin         a one-layer BERT (random weights), whose state dict has what torch.save
                          may meet: tensors that are transposed, cut out of others, share a storage,
                          are parameters, scalars or empty, and every type of number
2_Dense/pytorch_model.bin a module's weights
protocol4.bin             the module's weights again, in pickle protocol 4
old.bin                   pytorch_model.bin again, in the format of PyTorch before 1.6
values.safetensors        what pytorch_model.bin says, row by row
2_Dense/values.safetensors
"""
import collections
import json
import pathlib
import shutil

import safetensors.torch
import torch

HERE = pathlib.Path(__file__).resolve().parent / "torch"
WIDTH, INNER, POSITIONS, OUT = 16, 24, 20, 8
VOCAB = ("[PAD] [UNK] [CLS] [SEP] [MASK] a b c d e f g h i k l m n o p r s t u w y ##a ##e ##n ##s "
         "the of bank river . , ?").split()


def random(*shape):
    return torch.randn(*shape) * 0.3


def linear(prefix, out, width):
    return {f"{prefix}.weight": random(out, width), f"{prefix}.bias": random(out)}


def norm(prefix):
    return {f"{prefix}.weight": 1 + random(WIDTH), f"{prefix}.bias": random(WIDTH)}


def bert():
    state = collections.OrderedDict()
    state["embeddings.position_ids"] = torch.arange(POSITIONS).expand((1, -1))
    state["embeddings.word_embeddings.weight"] = torch.nn.Parameter(random(len(VOCAB), WIDTH))
    state["embeddings.position_embeddings.weight"] = random(POSITIONS, WIDTH).half()
    state["embeddings.token_type_embeddings.weight"] = random(2, WIDTH).double()
    state.update(norm("embeddings.LayerNorm"))
    layer = "encoder.layer.0"
    for name in ("query", "key", "value"):
        state.update(linear(f"{layer}.attention.self.{name}", WIDTH, WIDTH))
    state.update(linear(f"{layer}.attention.output.dense", WIDTH, WIDTH))
    state.update(norm(f"{layer}.attention.output.LayerNorm"))
    state.update(linear(f"{layer}.intermediate.dense", INNER, WIDTH))
    state.update(linear(f"{layer}.output.dense", WIDTH, INNER))
    state.update(norm(f"{layer}.output.LayerNorm"))

    # As stored: transposed; three slices of one tensor; in bfloat16.
    name = f"{layer}.intermediate.dense.weight"
    state[name] = random(WIDTH, INNER).t()
    fused = random(WIDTH, 3 * WIDTH)
    for i, part in enumerate(("query", "key", "value")):
        state[f"{layer}.attention.self.{part}.weight"] = fused[:, i * WIDTH:(i + 1) * WIDTH]
    name = f"{layer}.attention.output.dense.weight"
    state[name] = state[name].bfloat16()

    # What no BERT asks for.
    state["extra.tied"] = state["embeddings.word_embeddings.weight"].data
    state["extra.every_other"] = random(10)[::2]
    state["extra.permuted"] = random(2, 3, 4, 5).permute(3, 1, 0, 2)[1:]
    state["extra.half_transposed"] = random(3, 5).half().t()
    state["extra.double_row"] = random(4, 3).double()[2]
    state["extra.scalar"] = torch.tensor(2.5)
    state["extra.empty"] = torch.zeros(0, 4)
    state["extra.counter"] = torch.tensor(7)
    state["extra.mask"] = torch.ones(2, 2, dtype=torch.bool)
    state["extra.bytes"] = torch.arange(5, dtype=torch.int8)
    state._metadata = collections.OrderedDict(
        [("", {"version": 1}), ("embeddings", {"version": 1})])
    return state


def write(folder, name, value):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(json.dumps(value, indent=2) + "\n")


def save(folder, state):
    torch.save(state, folder / "pytorch_model.bin")
    if folder == HERE:
        torch.save(state, folder / "old.bin", _use_new_zipfile_serialization=False)
    values = {k: v.detach().clone(memory_format=torch.contiguous_format) for k, v in state.items()}
    safetensors.torch.save_file(values, folder / "values.safetensors")


torch.manual_seed(6)
shutil.rmtree(HERE, ignore_errors=True)
library = "sentence_transformers.models"
write(HERE, "modules.json", [
    {"idx": i, "name": str(i), "path": path, "type": f"{library}.{path[2:] or 'Transformer'}"}
    for i, path in enumerate(("", "1_Pooling", "2_Dense"))])
write(HERE, "config.json", {
    "model_type": "bert", "hidden_size": WIDTH, "intermediate_size": INNER,
    "num_hidden_layers": 1, "num_attention_heads": 2, "vocab_size": len(VOCAB),
    "max_position_embeddings": POSITIONS, "type_vocab_size": 2, "hidden_act": "gelu",
    "layer_norm_eps": 1e-12})
write(HERE / "1_Pooling", "config.json", {
    "word_embedding_dimension": WIDTH, "pooling_mode_mean_tokens": True})
write(HERE / "2_Dense", "config.json", {
    "in_features": WIDTH, "out_features": OUT, "bias": True,
    "activation_function": "torch.nn.modules.activation.Tanh"})
(HERE / "vocab.txt").write_text("\n".join(VOCAB) + "\n")
save(HERE, bert())
dense = collections.OrderedDict(linear("linear", OUT, WIDTH))
save(HERE / "2_Dense", dense)
torch.save(dense, HERE / "protocol4.bin", pickle_protocol=4)
