"""Adversarial images of torchattacks' FGSM and PGD on a tiny classifier that Java can build too.

Run `python attacks.py` in this folder; it writes ../resources/golden/attacks.json.

Attacks step along signs, so a gradient entry near zero could fall either way in another float32
program: the script runs every attack in float32 and float64, stops unless both agree, and writes
down the smallest gradient entry seen on the way (relative to the largest).
"""

import torch
import torch.nn.functional as F
import torchattacks
from torch import nn

from golden import GOLDEN, make, packed, recipe, rounded, write

LABELS = [0, 3, 1, 4]
WEIGHTS = {
    "conv.weight": recipe((4, 3, 3, 3), -1.0, 1.0),
    "conv.bias": recipe((4,), -0.2, 0.2),
    "linear.weight": recipe((5, 64), -0.4, 0.4),
    "linear.bias": recipe((5,), -0.2, 0.2),
}
IMAGE = {"image": recipe((4, 3, 8, 8), 0.0, 1.0)}
EPS, ALPHA = 8 / 255, 2 / 255


class Tiny(nn.Module):
    """3x8x8, 3x3 convolution (stride 2, padding 1), exact GELU, flatten (channel first), linear."""

    def __init__(self, dtype):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, stride=2, padding=1)
        self.linear = nn.Linear(64, 5)
        self.load_state_dict(make(WEIGHTS, torch.float32))
        self.to(dtype)

    def forward(self, x):
        return self.linear(F.gelu(self.conv(x)).flatten(1))


def run(build, dtype):
    """The adversarial images, their losses, and each step's smallest / largest |gradient|."""
    model = Tiny(dtype).eval()
    image, labels = make(IMAGE, dtype)["image"], torch.tensor(LABELS)
    margins = []

    def watch(_model, inputs):
        if inputs[0].requires_grad:
            inputs[0].register_hook(
                lambda g: margins.append((g.abs().min() / g.abs().max()).item()))

    handle = model.register_forward_pre_hook(watch)
    adversarial = build(model)(image, labels)
    handle.remove()
    loss = F.cross_entropy(model(adversarial), labels, reduction="none")
    return adversarial, loss, margins


def golden():
    model = Tiny(torch.float64)
    image, labels = make(IMAGE, torch.float64)["image"].requires_grad_(True), torch.tensor(LABELS)
    logits = model(image)
    before = F.cross_entropy(logits, labels, reduction="none")
    before.mean().backward()
    clean = {"logits": packed(logits), "loss": packed(before)}
    clean["inputGradient"] = packed(image.grad, 7)

    def pgd(steps):
        return lambda m: torchattacks.PGD(m, eps=EPS, alpha=ALPHA, steps=steps, random_start=False)

    results = {}
    for name, steps, alpha, build in [
        ("fgsm", 1, EPS, lambda m: torchattacks.FGSM(m, eps=EPS)),
        ("pgd5", 5, ALPHA, pgd(5)),
        ("pgd20", 20, ALPHA, pgd(20)),
    ]:
        single, _, _ = run(build, torch.float32)
        double, after, margins = run(build, torch.float64)
        assert len(margins) == steps
        assert (single - double).abs().max() < 1e-6, f"{name}: a sign hangs on rounding"
        print(f"{name}: loss {before.mean():.4f} -> {after.mean():.4f}, margin {min(margins):.1e}")
        results[name] = {
            "steps": steps, "alpha": alpha, "smallestRelativeGradient": rounded(min(margins), 2),
            "loss": packed(after), "adversarial": packed(single, 7),
        }
    write(GOLDEN, "attacks.json", {
        "eps": EPS, "labels": LABELS, "inputs": WEIGHTS | IMAGE, "clean": clean,
        "attacks": results,
    })


if __name__ == "__main__":
    golden()
