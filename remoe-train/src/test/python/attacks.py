"""Adversarial images of torchattacks on a tiny classifier that Java can build too.

Run `python attacks.py` in this folder; it writes ../resources/golden/attacks.json.

Attacks step along signs, so a gradient entry near zero could fall either way in another float32
program: the script runs every attack in float32 and float64, stops unless both agree, and writes
down the smallest gradient entry seen on the way (relative to the largest).

torchattacks returns an image's last point, the Java attacks its latest misclassified one (targeted,
first of all its latest one of the target class). The script stops unless these are the same points:
nothing on the way may be a greater success than the last point.
"""

import math
from unittest import mock

import numpy as np
import torch
import torch.nn.functional as F
import torchattacks
from torch import nn

from golden import GOLDEN, make, packed, recipe, rounded, write

LABELS = [1, 4, 0, 4]
WEIGHTS = {
    "conv.weight": recipe((4, 3, 3, 3), -1.0, 1.0),
    "conv.bias": recipe((4,), -0.2, 0.2),
    "linear.weight": recipe((5, 64), -0.4, 0.4),
    "linear.bias": recipe((5,), -0.2, 0.2),
}
IMAGE = {"image": recipe((4, 3, 8, 8), 0.0, 1.0)}
TARGETS = [3, 0, 2, 2]
EPS, ALPHA = 8 / 255, 2 / 255
L2_EPS, L2_ALPHA = 0.5, 0.1
SEEDS = [10, 11, 12, 13]


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


def gaussian(seed, n):
    """n normal numbers of java.util.SplittableRandom, by Box and Muller."""
    steps = np.arange(1, 2 * n + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z = np.uint64(seed) + steps
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    u = ((z ^ (z >> np.uint64(31))) >> np.uint64(11)).astype(np.float64) / 2.0**53
    return np.sqrt(-2 * np.log(1 - u[0::2])) * np.cos(2 * math.pi * u[1::2])


def noise(like):
    """What R+FGSM draws, one seed an image."""
    rows = np.stack([gaussian(seed, like[0].numel()) for seed in SEEDS])
    return torch.from_numpy(rows).reshape(like.shape).to(like.dtype)


def run(build, dtype, targeted):
    """Adversarial images, their losses, smallest / largest |gradient| of each step, successes."""
    model = Tiny(dtype).eval()
    image, labels = make(IMAGE, dtype)["image"], torch.tensor(LABELS)
    goal = torch.tensor(TARGETS if targeted else LABELS)
    margins, successes = [], []

    def watch(_model, inputs):
        if inputs[0].requires_grad:
            inputs[0].register_hook(
                lambda g: margins.append((g.abs().min() / g.abs().max()).item()))

    def judge(_model, _inputs, logits):
        predicted = logits.argmax(1)
        successes.append((predicted != labels).int() + (targeted & (predicted == goal)).int())

    handles = [model.register_forward_pre_hook(watch), model.register_forward_hook(judge)]
    attack = build(model)
    if targeted:
        attack.set_mode_targeted_by_label(quiet=True)
    with mock.patch("torch.randn_like", noise):
        adversarial = attack(image, goal)
    logits = model(adversarial)
    for handle in handles:
        handle.remove()
    success = successes[-1]
    assert torch.equal(torch.stack(successes).amax(0), success), "the last point has lost an image"
    return adversarial, F.cross_entropy(logits, labels, reduction="none"), margins, success


def attacks():
    """Name, settings, whether it is targeted, and how torchattacks builds it."""
    linf, l2 = {"eps": EPS, "alpha": ALPHA}, {"eps": L2_EPS, "alpha": L2_ALPHA}
    for steps in [5, 20]:
        yield f"pgd{steps}", linf | {"steps": steps}, False, lambda m, s: torchattacks.PGD(
            m, **s, random_start=False)
    yield "fgsm", linf | {"alpha": EPS, "steps": 1}, False, lambda m, s: torchattacks.FGSM(
        m, eps=s["eps"])
    yield "bim", linf | {"steps": 10}, False, lambda m, s: torchattacks.BIM(m, **s)
    yield "miFgsm", linf | {"steps": 10, "decay": 1.0}, False, lambda m, s: torchattacks.MIFGSM(
        m, **s)
    yield "rFgsm", linf | {"steps": 10}, False, lambda m, s: torchattacks.RFGSM(m, **s)
    yield "pgdL2", l2 | {"steps": 10}, False, lambda m, s: torchattacks.PGDL2(
        m, **s, random_start=False)
    yield "targetedPgd", linf | {"steps": 10}, True, lambda m, s: torchattacks.PGD(
        m, **s, random_start=False)
    yield "targetedMiFgsm", linf | {"steps": 10, "decay": 0.5}, True, (
        lambda m, s: torchattacks.MIFGSM(m, **s))


def golden():
    model = Tiny(torch.float64)
    image, labels = make(IMAGE, torch.float64)["image"].requires_grad_(True), torch.tensor(LABELS)
    logits = model(image)
    before = F.cross_entropy(logits, labels, reduction="none")
    before.mean().backward()
    clean = {"logits": packed(logits), "loss": packed(before)}
    clean["inputGradient"] = packed(image.grad, 7)

    results = {}
    for name, settings, targeted, build in attacks():
        single, _, _, _ = run(lambda m: build(m, settings), torch.float32, targeted)
        double, after, margins, success = run(lambda m: build(m, settings), torch.float64, targeted)
        assert len(margins) == settings["steps"]
        assert (single - double).abs().max() < 1e-6, f"{name}: a sign hangs on rounding"
        print(f"{name}: loss {before.mean():.4f} -> {after.mean():.4f}, {success.tolist()}, "
              f"margin {min(margins):.1e}")
        results[name] = settings | {
            "smallestRelativeGradient": rounded(min(margins), 2),
            "loss": packed(after), "adversarial": packed(single, 7),
        }
    write(GOLDEN, "attacks.json", {
        "eps": EPS, "labels": LABELS, "targets": TARGETS, "seeds": SEEDS, "inputs": WEIGHTS | IMAGE,
        "clean": clean, "attacks": results,
    })


if __name__ == "__main__":
    golden()
