#!/usr/bin/env python3
"""Writes tests/golden/gguf: small GGUF files, what they must embed to, and blocks.bin.

    make_gguf.py FIXTURES

FIXTURES holds the checkpoints that tests/golden has (bert, nomic_bert, modernbert, llama, llama3,
qwen2, qwen3, gemma3_embed, t5). Each becomes NAME.gguf with the gguf package, in the tensor
types that PLAN says; NAME.json holds for a few texts the token ids of the checkpoint's own
tokenizer and the normalised embedding that transformers computes from the weights as the file
has them, dequantised by the package. Of jina-bert-v2, which transformers does not have, the
reference is the function `jina` below, on weights drawn here.

Wants numpy, torch, transformers, safetensors, tokenizers and gguf.
"""
import base64
import json
import pathlib
import sys
import tempfile

import gguf
import numpy as np
import torch
import transformers
from gguf import GGMLQuantizationType as T
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer

OUT = pathlib.Path(__file__).parent / "gguf"
TEXTS = ["I deposited money in the bank.", "We sat on the bank of the river.", "", "Größe é 12,345!?",
         "  leading and  double spaces\nand a line", "The bank approved the loan. " * 5]

# name: fixture, architecture, pooling, tensor types in turn
PLAN = {
    "bert": ("bert", "bert", "mean", [T.Q8_0, T.Q5_0]),
    "nomic-bert": ("nomic_bert", "nomic-bert", "mean", [T.Q5_1, T.Q8_0]),
    "jina-bert-v2": ("bert", "jina-bert-v2", "mean", [T.Q8_0]),
    "modern-bert": ("modernbert", "modern-bert", "cls", [T.Q4_0, T.Q5_1]),
    "llama": ("llama", "llama", None, [T.Q4_0, T.Q5_0]),
    "llama3": ("llama3", "llama", "last", [T.Q5_1, T.Q8_0]),
    "qwen2": ("qwen2", "qwen2", "last", [T.Q8_0, T.Q4_1]),
    "qwen3": ("qwen3", "qwen3", "last", [T.Q4_1, T.BF16]),
    "gemma-embedding": ("gemma3_embed", "gemma-embedding", "mean", [T.Q4_1, T.Q5_0]),
    "t5encoder": ("t5", "t5encoder", "mean", [T.Q8_0, T.F16]),
}

BERT = {"embeddings.word_embeddings": "token_embd", "embeddings.position_embeddings": "position_embd",
        "embeddings.token_type_embeddings": "token_types", "embeddings.LayerNorm": "token_embd_norm",
        "encoder.layer.%d.attention.self.query": "blk.%d.attn_q",
        "encoder.layer.%d.attention.self.key": "blk.%d.attn_k",
        "encoder.layer.%d.attention.self.value": "blk.%d.attn_v",
        "encoder.layer.%d.attention.output.dense": "blk.%d.attn_output",
        "encoder.layer.%d.attention.output.LayerNorm": "blk.%d.attn_output_norm",
        "encoder.layer.%d.intermediate.dense": "blk.%d.ffn_up",
        "encoder.layer.%d.output.dense": "blk.%d.ffn_down",
        "encoder.layer.%d.output.LayerNorm": "blk.%d.layer_output_norm",
        "encoder.layer.%d.mlp.gated_layers": "blk.%d.ffn_up",
        "encoder.layer.%d.mlp.wo": "blk.%d.ffn_down",
        "encoder.layer.%d.mlp.layernorm": "blk.%d.layer_output_norm"}
NOMIC = {"embeddings.word_embeddings": "token_embd", "embeddings.token_type_embeddings": "token_types",
         "emb_ln": "token_embd_norm", "encoder.layers.%d.attn.Wqkv": "blk.%d.attn_qkv",
         "encoder.layers.%d.attn.out_proj": "blk.%d.attn_output",
         "encoder.layers.%d.norm1": "blk.%d.attn_output_norm",
         "encoder.layers.%d.mlp.fc11": "blk.%d.ffn_up", "encoder.layers.%d.mlp.fc12": "blk.%d.ffn_gate",
         "encoder.layers.%d.mlp.fc2": "blk.%d.ffn_down",
         "encoder.layers.%d.norm2": "blk.%d.layer_output_norm"}
MODERN = {"embeddings.tok_embeddings": "token_embd", "embeddings.norm": "token_embd_norm",
          "final_norm": "output_norm", "layers.%d.attn.Wqkv": "blk.%d.attn_qkv",
          "layers.%d.attn.Wo": "blk.%d.attn_output", "layers.%d.attn_norm": "blk.%d.attn_norm",
          "layers.%d.mlp.Wi": "blk.%d.ffn_up", "layers.%d.mlp.Wo": "blk.%d.ffn_down",
          "layers.%d.mlp_norm": "blk.%d.ffn_norm"}
LLAMA = {"embed_tokens": "token_embd", "norm": "output_norm", "lm_head": "output",
         "layers.%d.self_attn.q_proj": "blk.%d.attn_q", "layers.%d.self_attn.k_proj": "blk.%d.attn_k",
         "layers.%d.self_attn.v_proj": "blk.%d.attn_v",
         "layers.%d.self_attn.o_proj": "blk.%d.attn_output",
         "layers.%d.self_attn.q_norm": "blk.%d.attn_q_norm",
         "layers.%d.self_attn.k_norm": "blk.%d.attn_k_norm",
         "layers.%d.input_layernorm": "blk.%d.attn_norm",
         "layers.%d.post_attention_layernorm": "blk.%d.ffn_norm",
         "layers.%d.mlp.gate_proj": "blk.%d.ffn_gate", "layers.%d.mlp.up_proj": "blk.%d.ffn_up",
         "layers.%d.mlp.down_proj": "blk.%d.ffn_down"}
GEMMA = dict(LLAMA, **{"layers.%d.post_attention_layernorm": "blk.%d.post_attention_norm",
                       "layers.%d.pre_feedforward_layernorm": "blk.%d.ffn_norm",
                       "layers.%d.post_feedforward_layernorm": "blk.%d.post_ffw_norm"})
T5 = {"shared": "token_embd", "encoder.final_layer_norm": "enc.output_norm",
      "encoder.block.0.layer.0.SelfAttention.relative_attention_bias": "enc.blk.0.attn_rel_b",
      **{"encoder.block.%d.layer.0.SelfAttention." + x: "enc.blk.%d.attn_" + x for x in "qkvo"},
      "encoder.block.%d.layer.0.layer_norm": "enc.blk.%d.attn_norm",
      "encoder.block.%d.layer.1.DenseReluDense.wi": "enc.blk.%d.ffn_up",
      "encoder.block.%d.layer.1.DenseReluDense.wo": "enc.blk.%d.ffn_down",
      "encoder.block.%d.layer.1.layer_norm": "enc.blk.%d.ffn_norm"}
NAMES = {"bert": BERT, "jina-bert-v2": BERT, "nomic-bert": NOMIC, "modern-bert": MODERN,
         "llama": LLAMA, "qwen2": LLAMA, "qwen3": LLAMA, "gemma-embedding": GEMMA, "t5encoder": T5}
PREFIXES = ("bert.", "nomic_bert.", "model.", "transformer.")
POOLING = {"mean": 1, "cls": 2, "last": 3}


def ours(name, table):
    """The GGUF name of a tensor, None if it has none there."""
    stem, _, parameter = name.rpartition(".")
    for prefix in ("",) + PREFIXES:
        if not stem.startswith(prefix):
            continue
        parts = stem[len(prefix):].split(".")
        numbers = [p for p in parts if p.isdigit()]
        plain = ".".join(parts)
        if plain in table:
            return table[plain] + "." + parameter
        if numbers:
            parts[parts.index(numbers[0])] = "%d"
            pattern = table.get(".".join(parts))
            if pattern:
                return pattern % int(numbers[0]) + "." + parameter
    return None


def permuted(w, heads):
    """Rows of each head so that the numbers that turn together are neighbours."""
    return w.reshape(heads, 2, w.shape[0] // heads // 2, *w.shape[1:]).swapaxes(1, 2).reshape(w.shape)


class File:
    def __init__(self, name, fixtures):
        fixture, self.arch, self.pooling, self.types = PLAN[name]
        self.folder = fixtures / fixture
        self.config = json.loads((self.folder / "config.json").read_text())
        self.tokenizer = json.loads((self.folder / "tokenizer.json").read_text())
        self.writer = gguf.GGUFWriter(OUT / (name + ".gguf"), self.arch)
        self.state = {}
        for part in sorted(self.folder.glob("model*.safetensors")):
            self.state.update({k: v.float() for k, v in load_file(part).items()})
        if self.arch == "jina-bert-v2":
            self.make_jina()

    def make_jina(self):
        torch.manual_seed(3)
        for i in range(self.config["num_hidden_layers"]):
            stem = "bert.encoder.layer.%d." % i
            for gone in ("intermediate.dense", "output.dense"):
                for parameter in (".weight", ".bias"):
                    self.state.pop(stem + gone + parameter)
            width, ffn = self.config["hidden_size"], self.config["intermediate_size"]
            self.state[stem + "mlp.gated_layers.weight"] = torch.randn(2 * ffn, width) * 0.2
            self.state[stem + "mlp.wo.weight"] = torch.randn(width, ffn) * 0.2
            self.state[stem + "mlp.wo.bias"] = torch.randn(width) * 0.2
            for parameter in (".weight", ".bias"):
                self.state[stem + "mlp.layernorm" + parameter] = \
                    self.state.pop(stem + "output.LayerNorm" + parameter)
        self.state.pop("bert.embeddings.position_embeddings.weight")

    # ---- settings

    def settings(self):
        c, w = self.config, self.writer
        rms = self.arch in ("llama", "qwen2", "qwen3", "gemma-embedding", "t5encoder")
        heads = c.get("num_attention_heads", c.get("num_heads"))
        w.add_context_length(c.get("max_position_embeddings", 512))
        w.add_embedding_length(c.get("hidden_size", c.get("d_model")))
        w.add_block_count(c.get("num_hidden_layers", c.get("num_layers")))
        w.add_feed_forward_length(c.get("intermediate_size", c.get("d_ff")))
        w.add_head_count(heads)
        if "num_key_value_heads" in c:
            w.add_head_count_kv(c["num_key_value_heads"])
        head = c.get("head_dim", c.get("d_kv"))
        if head:
            w.add_key_length(head)
            w.add_value_length(head)
        eps = next(c[k] for k in ("rms_norm_eps", "layer_norm_eps", "norm_eps", "layer_norm_epsilon") if k in c)
        (w.add_layer_norm_rms_eps if rms else w.add_layer_norm_eps)(eps)
        rope = c.get("rope_parameters") or {}
        base = rope.get("rope_theta", c.get("rope_theta", c.get("global_rope_theta")))
        if base:
            w.add_rope_freq_base(base)
        local = c.get("local_rope_theta", c.get("rope_local_base_freq"))
        if local:
            w.add_rope_freq_base_swa(local)
        if self.pooling:
            w.add_pooling_type(gguf.PoolingType(POOLING[self.pooling]))
        if "bert" in self.arch:
            w.add_causal_attention(False)
        if self.arch == "modern-bert":
            w.add_sliding_window(c["local_attention"])
            w.add_sliding_window_pattern(c["global_attn_every_n_layers"])
        if self.arch == "gemma-embedding":
            w.add_sliding_window(c["sliding_window"])
            w.add_sliding_window_pattern([t == "sliding_attention" for t in c["layer_types"]])
        if self.arch == "t5encoder":
            w.add_relative_attn_buckets_count(c["relative_attention_num_buckets"])
            c["relative_attention_max_distance"] = 128  # which the format does not say

    # ---- tokenizer

    def added(self):
        return {a["id"]: a for a in self.tokenizer["added_tokens"]}

    def words(self):
        """Tokens and types by id; scores of a Unigram, or of BPE the rank of what merges make."""
        model, added = self.tokenizer["model"], self.added()
        vocabulary = model["vocab"]
        if isinstance(vocabulary, list):
            pieces = {i: p for i, (p, _) in enumerate(vocabulary)}
            scores = {i: s for i, (_, s) in enumerate(vocabulary)}
        else:
            pieces, scores = {i: t for t, i in vocabulary.items()}, {}
        for rank, merge in enumerate(model.get("merges") or []):
            scores.setdefault(vocabulary["".join(merge)], -1.0 - rank)
        pieces.update({i: a["content"] for i, a in added.items()})
        count = max(pieces) + 1
        tokens = [pieces.get(i, "[PAD%d]" % i) for i in range(count)]
        types = []
        for i, token in enumerate(tokens):
            if i in added:
                types.append(3 if added[i]["special"] else 4)
            elif len(token) == 6 and token.startswith("<0x"):
                types.append(6)
            else:
                types.append(1 if i in pieces else 5)
        unknown = model.get("unk_token")
        if unknown is None and model.get("unk_id") is not None:
            unknown = tokens[model["unk_id"]]
        return tokens, types, [scores.get(i, -1e4) for i in range(count)], unknown

    def around(self):
        """The special tokens before and behind a text."""
        post = self.tokenizer["post_processor"]
        for one in post.get("processors", [post]):
            if "single" in one:
                names = [list(p.values())[0]["id"] if "SpecialToken" in p else None for p in one["single"]]
                return (names[0], names[-1])
        return (None, None)

    def vocabulary(self):
        w, model = self.writer, self.tokenizer["model"]
        tokens, types, scores, unknown = self.words()
        first, last = self.around()
        kind = model["type"]
        if kind == "WordPiece":
            w.add_tokenizer_model("bert")
            w.add_token_type_count(self.config["type_vocab_size"])
            tokens = [t if y == 3 else t[2:] if t.startswith("##") else "\u2581" + t
                      for t, y in zip(tokens, types)]
        elif kind == "Unigram":
            w.add_tokenizer_model("t5")
            charsmap = self.tokenizer["normalizer"]["normalizers"][0]["precompiled_charsmap"]
            w.add_precompiled_charsmap(base64.b64decode(charsmap))
            w.add_token_scores(scores)
        elif model["byte_fallback"]:
            w.add_tokenizer_model("llama")
            w.add_token_scores(scores)
            w.add_add_space_prefix(self.tokenizer["normalizer"]["type"] == "Sequence")
        else:
            w.add_tokenizer_model("gpt2")
            w.add_tokenizer_pre({"modern-bert": "modern-bert", "llama": "llama-bpe"}.get(self.arch, "qwen2"))
            w.add_token_merges([" ".join(m) for m in model["merges"]])
        w.add_token_list(tokens)
        w.add_token_types(types)
        if unknown:
            w.add_unk_token_id(tokens.index(unknown))
        for name, add_id, add in ((first, w.add_bos_token_id, w.add_add_bos_token),
                                  (last, w.add_eos_token_id, w.add_add_eos_token)):
            add(name is not None)
            if name:
                add_id(tokens.index(name))
        if kind == "WordPiece":
            w.add_sep_token_id(tokens.index(last))

    # ---- tensors

    def tensors(self):
        """Writes them; puts what the file has of them, widened, into self.state."""
        c, index = self.config, 0
        for name, tensor in sorted(self.state.items()):
            to = ours(name, NAMES[self.arch])
            if to is None or (to.startswith("blk.0.attn_norm") and self.arch == "modern-bert"):
                continue
            data = tensor.numpy()
            if self.arch == "gemma-embedding" and to.endswith("norm.weight"):
                data = data + 1
            if self.arch == "llama" and ".attn_q." in to:
                data = permuted(data, c["num_attention_heads"])
            if self.arch == "llama" and ".attn_k." in to:
                data = permuted(data, c["num_key_value_heads"])
            if data.ndim < 2 or to.startswith(("token_types", "position_embd")) or "attn_rel_b" in to:
                self.writer.add_tensor(to, data.astype(np.float32))
                continue
            kind = self.types[index % len(self.types)]
            index += 1
            if data.shape[-1] % 32 and kind not in (T.F16, T.BF16):
                kind = T.F16
            stored = gguf.quants.quantize(data, kind)
            self.writer.add_tensor(to, stored, raw_dtype=kind)
            # Rows are quantised one by one: their order does not matter.
            self.state[name] = torch.from_numpy(
                gguf.quants.dequantize(gguf.quants.quantize(tensor.numpy(), kind), kind).copy())
        scaling = c.get("rope_scaling")
        if scaling and scaling.get("rope_type") == "llama3":
            self.writer.add_tensor("rope_freqs.weight", self.factors(scaling))

    def factors(self, s):
        turned = self.config["head_dim"]
        frequency = 1 / self.config["rope_theta"] ** (np.arange(0, turned, 2) / turned)
        original, low, high = s["original_max_position_embeddings"], s["low_freq_factor"], s["high_freq_factor"]
        wave = 2 * np.pi / frequency
        smooth = np.clip((original / wave - low) / (high - low), 0, 1)
        return (1 / ((1 - smooth) / s["factor"] + smooth)).astype(np.float32)

    def write(self):
        self.settings()
        self.vocabulary()
        self.tensors()
        self.writer.write_header_to_file()
        self.writer.write_kv_data_to_file()
        self.writer.write_tensors_to_file()
        self.writer.close()

    # ---- reference

    def model(self):
        if self.arch == "jina-bert-v2":
            return lambda ids: jina(self.state, self.config, ids)
        kind = transformers.T5EncoderModel if self.arch == "t5encoder" else transformers.AutoModel
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder)
            (path / "config.json").write_text(json.dumps(self.config))
            save_file(self.state, path / "model.safetensors", {"format": "pt"})
            model = kind.from_pretrained(folder, dtype=torch.float32,
                                         attn_implementation="eager").eval()
        return lambda ids: model(input_ids=torch.tensor([ids])).last_hidden_state[0]

    def guesses(self, hidden, ids):
        """Of each token but the first the logarithm of its probability, given those before it."""
        tables = [name for name in self.state if name.endswith("lm_head.weight")] or \
                 [name for name in self.state if name.endswith("embed_tokens.weight")]
        rows = torch.log_softmax(hidden @ self.state[tables[0]].T, -1)
        return [float(row[i]) for row, i in zip(rows, ids[1:])]

    def reference(self):
        tokenizer = Tokenizer.from_file(str(self.folder / "tokenizer.json"))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        model, texts = self.model(), []
        causal = self.arch in ("llama", "qwen2", "qwen3")
        pooling = self.pooling or ("last" if causal else "mean")
        for text in TEXTS:
            ids = tokenizer.encode(text).ids
            if not ids:
                continue
            with torch.no_grad():
                hidden = model(ids)
            entry = {"text": text, "input_ids": ids}
            if causal:
                entry["logprobs"] = self.guesses(hidden, ids)
            pooled = {"mean": hidden.mean(0), "cls": hidden[0], "last": hidden[-1]}[pooling]
            entry["embedding"] = [float(x) for x in pooled / pooled.norm()]
            texts.append(entry)
        return {"stack": {"torch": torch.__version__, "transformers": transformers.__version__,
                          "gguf": "0.19.0"}, "pooling": pooling, "texts": texts}


def jina(state, c, ids):
    """BERT with ALiBi (Press et al. 2021) for positions and a gated feed-forward."""
    def get(name):
        return state["bert." + name]

    def norm(x, name):
        return torch.nn.functional.layer_norm(x, x.shape[-1:], get(name + ".weight"), get(name + ".bias"),
                                              c["layer_norm_eps"])

    def linear(x, name):
        return torch.nn.functional.linear(x, get(name + ".weight"), state.get("bert." + name + ".bias"))
    n, heads = len(ids), c["num_attention_heads"]
    assert heads & (heads - 1) == 0
    slopes = torch.tensor([2 ** (-8 * (h + 1) / heads) for h in range(heads)])
    distance = (torch.arange(n)[:, None] - torch.arange(n)[None]).abs()
    x = get("embeddings.word_embeddings.weight")[ids] + get("embeddings.token_type_embeddings.weight")[0]
    x = norm(x, "embeddings.LayerNorm")
    for i in range(c["num_hidden_layers"]):
        at = "encoder.layer.%d." % i
        q, k, v = (linear(x, at + "attention.self." + p).view(n, heads, -1).transpose(0, 1)
                   for p in ("query", "key", "value"))
        scores = q @ k.transpose(1, 2) / q.shape[-1] ** 0.5 - slopes[:, None, None] * distance
        seen = (scores.softmax(-1) @ v).transpose(0, 1).reshape(n, -1)
        x = norm(x + linear(seen, at + "attention.output.dense"), at + "attention.output.LayerNorm")
        gate, up = linear(x, at + "mlp.gated_layers").chunk(2, -1)
        x = norm(x + linear(torch.nn.functional.gelu(gate) * up, at + "mlp.wo"), at + "mlp.layernorm")
    return x


def blocks():
    """Of each block type two blocks of random bytes, and the float32s they stand for."""
    rng, out = np.random.default_rng(7), b""
    for kind in (T.Q4_0, T.Q4_1, T.Q5_0, T.Q5_1, T.Q8_0, T.Q2_K, T.Q3_K, T.Q4_K, T.Q5_K, T.Q6_K):
        while True:
            raw = rng.integers(0, 256, (2, gguf.GGML_QUANT_SIZES[kind][1]), dtype=np.uint8)
            numbers = gguf.quants.dequantize(raw, kind)
            if np.isfinite(numbers).all():
                break
        out += bytes([kind, 2]) + raw.tobytes() + numbers.astype("<f4").tobytes()
    (OUT / "blocks.bin").write_bytes(out)


def main():
    fixtures = pathlib.Path(sys.argv[1])
    OUT.mkdir(exist_ok=True)
    torch.set_num_threads(1)
    blocks()
    for name in sys.argv[2:] or PLAN:
        file = File(name, fixtures)
        file.write()
        (OUT / (name + ".json")).write_text(json.dumps(file.reference(), ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
