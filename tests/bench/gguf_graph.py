"""gguf_graph.py - writes a BERT checkpoint as GGUF files, float32 and Q8_0, for llama_worker.py."""
import json
import os

import gguf
import numpy as np

import checkpoint

BLOCK = {"attention.self.query": "attn_q", "attention.self.key": "attn_k",
         "attention.self.value": "attn_v", "attention.output.dense": "attn_output",
         "attention.output.LayerNorm": "attn_output_norm", "intermediate.dense": "ffn_up",
         "output.dense": "ffn_down", "output.LayerNorm": "layer_output_norm"}
OUTSIDE = {"embeddings.word_embeddings": "token_embd",
           "embeddings.position_embeddings": "position_embd",
           "embeddings.token_type_embeddings": "token_types",
           "embeddings.LayerNorm": "token_embd_norm"}
SPECIAL = {"[CLS]": "add_bos_token_id", "[SEP]": "add_sep_token_id", "[PAD]": "add_pad_token_id",
           "[UNK]": "add_unk_token_id", "[MASK]": "add_mask_token_id"}


def name_of(tensor):
    """GGUF's name of a tensor of the checkpoint; None for what llama.cpp has no use for."""
    stem, _, kind = tensor.rpartition(".")
    if stem in OUTSIDE:
        return f"{OUTSIDE[stem]}.{kind}"
    parts = stem.split(".", 3)
    if parts[:2] == ["encoder", "layer"] and parts[3] in BLOCK:
        return f"blk.{parts[2]}.{BLOCK[parts[3]]}.{kind}"
    return None


def piece(token):
    """WordPiece marks what goes on; llama.cpp marks what begins a word."""
    if token.startswith("[") and token.endswith("]"):
        return token
    return token[2:] if token.startswith("##") else "\u2581" + token


def add_tokenizer(writer, folder):
    with open(os.path.join(folder, "tokenizer.json"), encoding="utf-8") as file:
        vocabulary = json.load(file)["model"]["vocab"]
    tokens = sorted(vocabulary, key=vocabulary.get)
    writer.add_tokenizer_model("bert")
    writer.add_token_list([piece(token) for token in tokens])
    writer.add_token_types([gguf.TokenType.NORMAL] * len(tokens))
    writer.add_token_type_count(2)
    for token, add in SPECIAL.items():
        if token in vocabulary:
            getattr(writer, add)(vocabulary[token])


def write(folder, path, kind):
    config, tensors = checkpoint.read(folder)
    writer = gguf.GGUFWriter(path, "bert")
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_layer_norm_eps(config["layer_norm_eps"])
    writer.add_causal_attention(False)
    writer.add_pooling_type(gguf.PoolingType.MEAN)
    add_tokenizer(writer, folder)
    for tensor, value in tensors.items():
        name = name_of(tensor)
        if name is None:
            continue
        if kind == "Q8_0" and value.ndim == 2 and value.shape[1] % 32 == 0 \
                and name.split(".")[0] not in ("position_embd", "token_types"):
            quantised = gguf.quants.quantize(value, gguf.GGMLQuantizationType.Q8_0)
            writer.add_tensor(name, quantised, raw_dtype=gguf.GGMLQuantizationType.Q8_0)
        else:
            writer.add_tensor(name, np.ascontiguousarray(value, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def make(folder, where):
    """{type: path}; what is there already is taken as it is."""
    os.makedirs(where, exist_ok=True)
    made = {}
    for kind in ("float32", "Q8_0"):
        made[kind] = os.path.join(where, f"{kind}.gguf")
        if not os.path.exists(made[kind]):
            write(folder, made[kind] + ".part", kind)
            os.replace(made[kind] + ".part", made[kind])
    return made
