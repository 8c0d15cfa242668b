"""onnx_worker.py MODEL TEXTS THREADS GRAPH - times onnxruntime for bench.py.

Builds a BERT graph from the checkpoint with onnxruntime's own fused operators (attention, skip and
layer norm, bias and GELU): what its optimiser makes of a BERT at best. Same requests and answers
as contextual_worker.py; texts are tokenized beforehand, pooling is left out.
"""
import json
import os
import sys
import time

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer

BATCH = 32


def read_safetensors(path):
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        data = file.read()
    kinds = {"F32": np.float32, "F16": np.float16}
    return {name: np.frombuffer(data[slice(*entry["data_offsets"])], kinds[entry["dtype"]])
            .reshape(entry["shape"]).astype(np.float32)
            for name, entry in header.items() if entry.get("dtype") in kinds}


def build(folder, path):
    with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
        config = json.load(file)
    if config["hidden_act"] != "gelu":
        sys.exit("bench: the onnx graph is made for hidden_act 'gelu'")
    tensors = read_safetensors(os.path.join(folder, "model.safetensors"))
    tensors = {name.removeprefix("bert."): value for name, value in tensors.items()}
    weights, nodes = [], []

    def weight(name, value):
        weights.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(kind, inputs, output, domain="com.microsoft", **attributes):
        nodes.append(helper.make_node(kind, inputs, [output], domain=domain, **attributes))
        return output

    def norm(name):
        return [weight(name + ".weight", tensors[name + ".weight"]),
                weight(name + ".bias", tensors[name + ".bias"])]

    eps = config["layer_norm_eps"]
    word, place, kind = (tensors[f"embeddings.{name}_embeddings.weight"]
                         for name in ("word", "position", "token_type"))
    x = node("Gather", [weight("word", word), "input_ids"], "words", domain="")
    position = node("Gather", [weight("place", place + kind[0]), "position_ids"], "places",
                    domain="")
    nodes.append(helper.make_node("SkipLayerNormalization",
                                  [x, position] + norm("embeddings.LayerNorm"), ["x0"],
                                  domain="com.microsoft", epsilon=eps))
    x = "x0"
    for i in range(config["num_hidden_layers"]):
        at = f"encoder.layer.{i}."
        parts = [at + f"attention.self.{part}" for part in ("query", "key", "value")]
        qkv = weight(f"qkv{i}", np.concatenate([tensors[p + ".weight"].T for p in parts], 1))
        bias = weight(f"qkv_bias{i}", np.concatenate([tensors[p + ".bias"] for p in parts]))
        heads = node("Attention", [x, qkv, bias, "mask"], f"heads{i}",
                     num_heads=config["num_attention_heads"])

        out = node("MatMul",
                   [heads, weight(f"wo{i}", tensors[at + "attention.output.dense.weight"].T)],
                   f"out{i}", domain="")
        x = node("SkipLayerNormalization",
                 [out, x] + norm(at + "attention.output.LayerNorm")
                 + [weight(f"bo{i}", tensors[at + "attention.output.dense.bias"])],
                 f"mid{i}", epsilon=eps)
        up = node("MatMul", [x, weight(f"w1{i}", tensors[at + "intermediate.dense.weight"].T)],
                  f"up{i}", domain="")
        act = node("BiasGelu", [up, weight(f"b1{i}", tensors[at + "intermediate.dense.bias"])],
                   f"act{i}")
        down = node("MatMul", [act, weight(f"w2{i}", tensors[at + "output.dense.weight"].T)],
                    f"down{i}", domain="")
        x = node("SkipLayerNormalization",
                 [down, x] + norm(at + "output.LayerNorm")
                 + [weight(f"b2{i}", tensors[at + "output.dense.bias"])],
                 f"x{i + 1}", epsilon=eps)
    shape = ["batch", "tokens"]
    graph = helper.make_graph(
        nodes, "bert",
        [helper.make_tensor_value_info(name, TensorProto.INT64, shape)
         for name in ("input_ids", "position_ids")]
        + [helper.make_tensor_value_info("mask", TensorProto.INT32, shape)],
        [helper.make_tensor_value_info(x, TensorProto.FLOAT, shape + [config["hidden_size"]])],
        weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17),
                                                    helper.make_opsetid("com.microsoft", 1)])
    model.ir_version = 8
    onnx.save(model, path)


def tokenized(folder, texts):
    tokenizer = Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(256)
    return [e.ids for e in tokenizer.encode_batch(texts)]


def feed(rows):
    longest = max(map(len, rows))
    ids = np.zeros((len(rows), longest), np.int64)
    mask = np.zeros((len(rows), longest), np.int32)
    for i, row in enumerate(rows):
        ids[i, :len(row)] = row
        mask[i, :len(row)] = 1
    place = np.broadcast_to(np.arange(longest, dtype=np.int64), ids.shape)
    return {"input_ids": ids, "position_ids": np.ascontiguousarray(place), "mask": mask}


def main():
    folder, texts, threads, path = sys.argv[1:5]
    with open(texts, encoding="utf-8") as file:
        texts = json.load(file)
    build(folder, path)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(threads)
    options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    feeds = {}
    for kind, rows in texts.items():
        ids = tokenized(folder, rows)
        feeds[kind + " row"] = [feed([row]) for row in ids]
        ids.sort(key=len)
        feeds[kind + " batch"] = [feed(ids[i:i + BATCH]) for i in range(0, len(ids), BATCH)]
    first = session.run(None, feed(tokenized(folder, texts["short"][:1])))[0][0]
    mean = first.mean(0)
    print(json.dumps({"version": onnxruntime.__version__,
                      "first": (mean / np.linalg.norm(mean)).tolist()}), flush=True)
    for line in sys.stdin:
        work = line.strip()
        begin = time.perf_counter()
        for inputs in feeds[work]:
            session.run(None, inputs)
        rate = len(texts[work.split()[0]]) / (time.perf_counter() - begin)
        print(json.dumps(rate), flush=True)


if __name__ == "__main__":
    main()
