"""checkpoint.py - reads a BERT checkpoint for the programs that rebuild it for other engines."""
import json
import os

import numpy as np


def read_safetensors(path):
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        data = file.read()
    kinds = {"F32": np.float32, "F16": np.float16}
    return {name: np.frombuffer(data[slice(*entry["data_offsets"])], kinds[entry["dtype"]])
            .reshape(entry["shape"]).astype(np.float32)
            for name, entry in header.items() if entry.get("dtype") in kinds}


def read(folder):
    """config.json and the tensors by their names without "bert."."""
    with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
        config = json.load(file)
    if config.get("model_type") != "bert" or config["hidden_act"] != "gelu":
        raise ValueError("the peers' graphs are made for model_type 'bert', hidden_act 'gelu'")
    tensors = read_safetensors(os.path.join(folder, "model.safetensors"))
    return config, {name.removeprefix("bert."): value for name, value in tensors.items()}
