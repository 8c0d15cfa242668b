"""peers.py - the other engines: their packages, in a private venv, and their workers.

Each peer is installed by itself, so that one that can't be had leaves the others in the table.
BENCH_VENV names another folder for the venv than build/bench-venv.
"""
import os
import subprocess
import sys

import onnx_avx2

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.join(os.path.dirname(os.path.dirname(HERE)), "build")
VENV = os.environ.get("BENCH_VENV") or os.path.join(BUILD, "bench-venv")

PACKAGES = {
    "onnxruntime": ["onnxruntime==1.31.1", "onnx==1.23.2", "numpy==2.4.6", "tokenizers==0.22.2"],
    "llama.cpp": ["llama-cpp-python==0.3.36", "gguf==0.19.0", "numpy==2.4.6"],
    "sqlite-vec": ["sqlite-vec==0.1.9"],
    "torch": ["torch==2.8.0", "sentence-transformers==5.6.1"],
}
WORKERS = {"onnxruntime": "onnx_worker.py", "onnxruntime-avx2": "onnx_worker.py",
           "llama.cpp": "llama_worker.py", "torch": "torch_worker.py"}
AVX2 = os.path.join(BUILD, "bench", "avx2")


def python():
    return os.path.join(VENV, "bin", "python")


def make_venv():
    if os.path.exists(python()):
        return
    if subprocess.run(["python3", "-m", "venv", VENV]).returncode:
        sys.exit("bench: python3 can't make a virtual environment (install python3-venv)")


def install(name):
    """"" when the peer is there, else what went wrong, in a line."""
    marker = os.path.join(VENV, f"installed-{name}")
    wanted = " ".join(PACKAGES[name])
    if os.path.exists(marker):
        with open(marker, encoding="utf-8") as file:
            if file.read() == wanted:
                return ""
    print(f"installing {name} into {VENV}", flush=True)
    done = subprocess.run(
        [python(), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        + PACKAGES[name], stderr=subprocess.PIPE, text=True)
    if done.returncode == 0:
        with open(marker, "w", encoding="utf-8") as file:
            file.write(wanted)
        return ""
    said = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    return said[-1] if said else "pip failed"


def install_all(names):
    """{peer: what went wrong} of those that can't be had."""
    make_venv()
    found = {name: install(name) for name in names}
    found["onnxruntime-avx2"] = found["onnxruntime"] or onnx_avx2.make(VENV, AVX2)
    return {name: wrong for name, wrong in found.items() if wrong}


def command(name, model, texts, threads):
    return [python(), os.path.join(HERE, WORKERS[name]), model, texts, str(threads),
            os.path.join(BUILD, "bench", name.removesuffix("-avx2"))]


def environment(name):
    """What its process needs besides."""
    return {"PYTHONPATH": AVX2} if name == "onnxruntime-avx2" else {}


def sqlite_vec():
    """Path of sqlite-vec's library."""
    return subprocess.run([python(), "-c", "import sqlite_vec; print(sqlite_vec.loadable_path())"],
                          capture_output=True, text=True, check=True).stdout.strip()
