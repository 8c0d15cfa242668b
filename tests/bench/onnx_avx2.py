"""onnx_avx2.py - a copy of onnxruntime that goes as it would on a processor with AVX2 only.

onnxruntime has no setting for that. It asks the system, by the instruction XGETBV, which registers
are saved when threads are switched, and uses AVX-512 only where all of its registers are. In the
copy, which serves this measurement alone, that answer is replaced by the constant 7: those of x87,
SSE and AVX.
"""
import glob
import os
import shutil

# xgetbv; mov eax, eax; shl rdx, 32: what compilers make of _xgetbv(0) in 64 bits
ASKING = bytes.fromhex("0f01d0 89c0 48c1e220")
# mov eax, 7; shl rdx, 32
ANSWERED = bytes.fromhex("b807000000 48c1e220")


def make(venv, where):
    """Copies onnxruntime from `venv` to `where`; returns what went wrong, "" if nothing did."""
    found = glob.glob(os.path.join(venv, "lib", "python3*", "site-packages", "onnxruntime"))
    if not found:
        return "onnxruntime is not installed"
    if os.path.exists(where):
        return ""
    part = where + ".part"
    shutil.rmtree(part, ignore_errors=True)
    shutil.copytree(found[0], os.path.join(part, "onnxruntime"))
    for path in glob.glob(os.path.join(part, "onnxruntime", "capi", "*_pybind11_state*.so")):
        with open(path, "rb") as file:
            code = file.read()
        if ASKING not in code:
            return "this build of onnxruntime asks in other instructions"
        with open(path, "wb") as file:
            file.write(code.replace(ASKING, ANSWERED))
    os.rename(part, where)
    return ""
