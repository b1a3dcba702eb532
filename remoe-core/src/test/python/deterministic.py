"""Tensors that Python and Java both make from a name, bit for bit, and the golden file format.

Run `python deterministic.py` in this folder to write ../resources/golden/deterministic.json, a
sample of the numbers for the Java twin of `values` to be checked against.
"""

import json
import re
from pathlib import Path

import numpy as np
import torch

GOLDEN = Path(__file__).resolve().parent.parent / "resources" / "golden"


def fnv1a(name):
    """The 64-bit FNV-1a hash of the name's UTF-8 bytes."""
    state = 0xCBF29CE484222325
    for byte in name.encode("utf-8"):
        state = ((state ^ byte) * 0x100000001B3) % 2**64
    return state


def values(name, n, low, high):
    """n float32 numbers from low to high: splitmix64 from the name's hash, 24 bits to a number."""
    steps = np.arange(1, n + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z = np.uint64(fnv1a(name)) + steps
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    u = (z >> np.uint64(40)).astype(np.float64) / 2.0**24
    return (low + (high - low) * u).astype(np.float32)


def tensor(name, shape, low, high, dtype=torch.float32):
    """`values` in row-major order as a torch tensor; a wider dtype keeps the float32 numbers."""
    numbers = values(name, int(np.prod(shape)), low, high)
    return torch.from_numpy(numbers).reshape(tuple(shape)).to(dtype)


def recipe(shape, low, high):
    """How a golden file says that an input is `values(its key, product of shape, low, high)`."""
    return {"shape": list(shape), "low": low, "high": high}


def make(recipes, dtype):
    """The inputs that a table name -> recipe describes."""
    return {
        name: tensor(name, r["shape"], r["low"], r["high"], dtype) for name, r in recipes.items()
    }


def rounded(x, digits=9):
    return float(f"{x:.{digits}g}")


def packed(t, digits=9):
    """A tensor as {"shape": [...], "data": [row-major numbers]}, rounded to significant digits."""
    data = [rounded(x, digits) for x in t.detach().flatten().tolist()]
    return {"shape": list(t.shape), "data": data}


def write(folder, name, content):
    """Writes folder/name as JSON with every list of plain numbers on one line."""
    text = json.dumps(content, indent=2, allow_nan=False)
    text = re.sub(r"\[[-+\d.e,\s]*\]", lambda m: re.sub(r"\s+", "", m.group()), text)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text + "\n", encoding="utf-8")
    print(f"{name}: {len(text) / 1000:.1f} kB")


if __name__ == "__main__":
    samples = []
    for name, n, low, high in [
        ("image", 8, 0.0, 1.0),
        ("blocks.0.attn.qkv.weight", 8, -0.12, 0.12),
        ("gr\u00f6\u00dfe", 4, -3.0, 5.0),
        ("", 4, 0.8, 1.2),
    ]:
        numbers = values(name, n, low, high)
        samples.append({
            "name": name, "hash": f"{fnv1a(name):016x}", "low": low, "high": high,
            "values": [rounded(x) for x in numbers.tolist()],
            "floatBits": numbers.view(np.int32).tolist(),
        })
    write(GOLDEN, "deterministic.json", {"samples": samples})
