"""A file of the safetensors library with every type that Java reads.

Run `python safetensors_golden.py` in this folder; it writes ../resources/golden/types.safetensors
and bfloat16.safetensors, which Java reads but cannot write, and, for Java to compare with, the
arrays' numbers as types_safetensors.json.
"""

import safetensors.torch
import torch

from deterministic import GOLDEN, tensor, write

FLOATS = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16}
INTEGERS = {"I64": torch.int64, "I32": torch.int32, "I8": torch.int8, "U8": torch.uint8}

if __name__ == "__main__":
    arrays = {name: tensor(name, (2, 3), -1.0, 1.0).to(t) for name, t in FLOATS.items()}
    arrays |= {name: tensor(name, (5,), 0.0, 127.0).to(t) for name, t in INTEGERS.items()}
    arrays["U8"][-1] = 255
    arrays["I8"][-1] = -128
    arrays["I64"][-1] = 2**62 + 1
    arrays["BOOL"] = torch.tensor([True, False, True])
    arrays["scalar"] = torch.tensor(1.5)
    arrays["empty"] = torch.zeros((0, 2))
    arrays['größe "quoted" <tag>'] = torch.tensor([float("nan"), float("inf"), -0.0])
    bfloat16 = {"BF16": tensor("BF16", (2, 3), -1.0, 1.0).bfloat16()}
    path = GOLDEN / "types.safetensors"
    safetensors.torch.save_file(arrays, path, metadata={"größe": "a \"b\" <c>\n"})
    safetensors.torch.save_file(bfloat16, GOLDEN / "bfloat16.safetensors")
    back = safetensors.torch.load_file(path)
    assert all(torch.equal(back[n].nan_to_num(7), a.nan_to_num(7)) for n, a in arrays.items())
    write(GOLDEN, "types_safetensors.json", {
        name: {"shape": list(a.shape), "data": " ".join(str(x) for x in a.flatten().tolist())}
        for name, a in (arrays | bfloat16).items()
    })
