"""onnx_graph.py - builds onnxruntime's graphs of a BERT from its checkpoint, for onnx_worker.py.

Two forms, both of onnxruntime's own fused operators (skip and layer norm, bias and GELU), which is
what its optimiser makes of a BERT at best:

    attention    one Attention for the projections and the products of all heads
    multihead    the projections as a MatMul, then MultiHeadAttention; quantised, the products
                 of the heads stay in float32

and their int8 forms by quantize_dynamic(per_channel=True). Which is faster depends on the length
of the text; the bench measures all and takes the best for each kind of work.
"""
import os

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

import checkpoint

FORMS = ("attention", "multihead")


class Graph:
    def __init__(self):
        self.weights, self.nodes = [], []

    def weight(self, name, value):
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, kind, inputs, output, domain="com.microsoft", **attributes):
        self.nodes.append(helper.make_node(kind, inputs, [output], domain=domain, name=output,
                                           **attributes))
        return output


def attend(graph, config, tensors, form, i, x):
    """The heads of block i, concatenated: [batch, tokens, width]."""
    at = f"encoder.layer.{i}.attention.self."
    parts = [at + part for part in ("query", "key", "value")]
    heads = config["num_attention_heads"]
    qkv = graph.weight(f"qkv{i}", np.concatenate([tensors[p + ".weight"].T for p in parts], 1))
    bias = graph.weight(f"qkv_bias{i}", np.concatenate([tensors[p + ".bias"] for p in parts]))
    if form == "attention":
        return graph.node("Attention", [x, qkv, bias, "mask"], f"heads{i}", num_heads=heads)
    projected = graph.node("MatMul", [x, qkv], f"projected{i}", domain="")
    projected = graph.node("Add", [projected, bias], f"biased{i}", domain="")
    names = [f"{part}{i}" for part in ("q", "k", "v")]
    graph.nodes.append(helper.make_node("Split", [projected], names, axis=2, num_outputs=3))
    return graph.node("MultiHeadAttention", names + ["", "mask"], f"heads{i}", num_heads=heads)


def build(folder, path, form):
    config, tensors = checkpoint.read(folder)
    graph = Graph()
    weight, node, eps = graph.weight, graph.node, config["layer_norm_eps"]

    def norm(name):
        return [weight(name + ".weight", tensors[name + ".weight"]),
                weight(name + ".bias", tensors[name + ".bias"])]

    def linear(name, short, x):
        return node("MatMul", [x, weight("w_" + short, tensors[name + ".weight"].T)], short,
                    domain="")

    def bias(name, short):
        return weight("b_" + short, tensors[name + ".bias"])

    word, place, kind = (tensors[f"embeddings.{name}_embeddings.weight"]
                         for name in ("word", "position", "token_type"))
    words = node("Gather", [weight("word", word), "input_ids"], "words", domain="")
    places = node("Gather", [weight("place", place + kind[0]), "position_ids"], "places",
                  domain="")
    x = node("SkipLayerNormalization", [words, places] + norm("embeddings.LayerNorm"), "x0",
             epsilon=eps)
    for i in range(config["num_hidden_layers"]):
        at = f"encoder.layer.{i}."
        heads = attend(graph, config, tensors, form, i, x)
        name = at + "attention.output.dense"
        out = linear(name, f"out{i}", heads)
        x = node("SkipLayerNormalization", [out, x] + norm(at + "attention.output.LayerNorm")
                 + [bias(name, f"out{i}")], f"mid{i}", epsilon=eps)
        name = at + "intermediate.dense"
        up = linear(name, f"up{i}", x)
        act = node("BiasGelu", [up, bias(name, f"up{i}")], f"act{i}")
        name = at + "output.dense"
        down = linear(name, f"down{i}", act)
        x = node("SkipLayerNormalization", [down, x] + norm(at + "output.LayerNorm")
                 + [bias(name, f"down{i}")], f"x{i + 1}", epsilon=eps)
    save(graph, config, x, path)


def save(graph, config, last, path):
    shape = ["batch", "tokens"]
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, shape)
              for name in ("input_ids", "position_ids")]
    inputs.append(helper.make_tensor_value_info("mask", TensorProto.INT32, shape))
    output = helper.make_tensor_value_info(last, TensorProto.FLOAT,
                                           shape + [config["hidden_size"]])
    made = helper.make_graph(graph.nodes, "bert", inputs, [output], graph.weights)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 18),
                                                   helper.make_opsetid("com.microsoft", 1)])
    model.ir_version = 8
    onnx.save(model, path)


def make(folder, where):
    """{(type, form): path}; what is there already is taken as it is."""
    os.makedirs(where, exist_ok=True)
    made = {}
    for form in FORMS:
        plain = os.path.join(where, f"{form}-float32.onnx")
        quantised = os.path.join(where, f"{form}-int8.onnx")
        if not os.path.exists(plain):
            build(folder, plain + ".part", form)
            os.replace(plain + ".part", plain)
        if not os.path.exists(quantised):
            quantize_dynamic(plain, quantised + ".part", per_channel=True,
                             weight_type=QuantType.QInt8,
                             extra_options={"DefaultTensorType": TensorProto.FLOAT})
            os.replace(quantised + ".part", quantised)
        made["float32", form], made["int8", form] = plain, quantised
    return made
