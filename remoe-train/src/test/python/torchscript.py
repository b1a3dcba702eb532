"""The classifier of attacks.py as TorchScript, in the ways that people save networks.

Run `python torchscript.py` in this folder; it writes ../resources/golden/*.pt.

The files keep no debugging records, which hold paths of the machine that wrote them.
"""

import io
import zipfile
from typing import Dict, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from attacks import IMAGE, Tiny
from golden import GOLDEN, make


class WithDropout(Tiny):
    """Returns a tuple, and computes something else in training mode."""

    def forward(self, x) -> Tuple[Tensor, Tensor]:
        features = F.dropout(F.gelu(self.conv(x)).flatten(1), 0.5, self.training)
        return self.linear(features), features


class Named(Tiny):
    """Returns its outputs by name."""

    def forward(self, x) -> Dict[str, Tensor]:
        features = F.gelu(self.conv(x)).flatten(1)
        return {"features": features, "logits": self.linear(features)}


class Undifferentiable(Tiny):
    """Computes its logits without autograd."""

    def forward(self, x):
        with torch.no_grad():
            return self.linear(F.gelu(self.conv(x)).flatten(1))


def save(name, module):
    buffer = io.BytesIO()
    torch.jit.save(module, buffer)
    with zipfile.ZipFile(buffer) as saved, zipfile.ZipFile(GOLDEN / name, "w") as kept:
        for entry in saved.infolist():
            if not entry.filename.endswith(".debug_pkl"):
                kept.writestr(zipfile.ZipInfo(entry.filename), saved.read(entry))
    image = make(IMAGE, torch.float32)["image"]
    again = torch.jit.load(GOLDEN / name).eval()(image)
    logits = again["logits"] if isinstance(again, dict) else again
    logits = logits[0] if isinstance(logits, tuple) else logits
    assert torch.equal(logits, Tiny(torch.float32)(image)), name
    print(f"{name}: {(GOLDEN / name).stat().st_size / 1000:.1f} kB")


if __name__ == "__main__":
    single = torch.float32
    save("traced.pt", torch.jit.trace(Tiny(single).eval(), make(IMAGE, single)["image"]))
    save("frozen.pt", torch.jit.freeze(torch.jit.script(Tiny(single).eval())))
    # As training left it, not in evaluation mode.
    save("dropout.pt", torch.jit.script(WithDropout(single)))
    save("named.pt", torch.jit.script(Named(single).eval()))
    save("undifferentiable.pt", torch.jit.script(Undifferentiable(single).eval()))
