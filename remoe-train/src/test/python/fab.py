"""Projections and FAB of auto-attack, and DeepFool of foolbox.

They attack the classifier of attacks.py, whose boundaries are nearly flat at the distances that
matter, and one with bent boundaries, where later steps and further target classes count.

Run `python fab.py` in this folder; it writes ../resources/golden/fab.json. auto-attack is not on
PyPI: pip install git+https://github.com/fra31/auto-attack@a39220048b3c9f2cca9a4d3a54604793c68eca7e

Everything runs in float32 and float64, and the script stops where the two disagree: there the
result would hang on rounding.
"""

from contextlib import contextmanager

import foolbox
import torch
from autoattack.fab_projections import projection_l2, projection_linf
from autoattack.fab_pt import FABAttack_PT
from torch import nn

from attacks import WEIGHTS, Tiny
from golden import GOLDEN, make, packed, recipe, write

CLASSES = 5
STEPS = (3, 20, 100)
BENT = {
    "first.weight": recipe((24, 192), -0.6, 0.6),
    "first.bias": recipe((24,), -0.5, 0.5),
    "second.weight": recipe((5, 24), -1.0, 1.0),
    "second.bias": recipe((5,), -5.0, 5.0),
}
IMAGES = {"fabImage": recipe((8, 3, 8, 8), -0.3, 1.3)}
POINTS = {
    "point": recipe((12, 3, 2, 2), 0.0, 1.0),
    "normal": recipe((12, 3, 2, 2), -1.0, 1.0),
    "offset": recipe((12,), -1.0, 1.0),
}
NORMS = {
    "linf": (projection_linf, lambda d: d.flatten(1).abs().max(dim=1)[0]),
    "l2": (projection_l2, lambda d: d.flatten(1).norm(dim=1)),
}


class Bent(nn.Module):
    """3x8x8, flatten (channel first), linear, sine, linear."""

    def __init__(self, dtype):
        super().__init__()
        self.first = nn.Linear(192, 24)
        self.second = nn.Linear(24, 5)
        self.load_state_dict(make(BENT, torch.float32))
        self.to(dtype)

    def forward(self, x):
        return self.second(torch.sin(self.first(x.flatten(1))))


@contextmanager
def precision(dtype):
    """FAB calls .float() on its input and makes tensors of the default type."""
    before, single = torch.get_default_dtype(), torch.Tensor.float
    torch.set_default_dtype(dtype)
    torch.Tensor.float = lambda t: t.to(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)
        torch.Tensor.float = single


def agreed(name, compute, tolerance):
    """What both types give, in float64; an error if they differ by more than a relative bound."""
    results = []
    for dtype in (torch.float32, torch.float64):
        with precision(dtype):
            results.append(compute(dtype).to(torch.float64))
    difference = (results[0] - results[1]).abs().max() / results[1].abs().max()
    assert difference < tolerance, f"{name} hangs on rounding: {difference:.1e}"
    print(f"{name}: float32 and float64 differ by {difference:.1e}")
    return results[1]


def hyperplanes(dtype):
    """Points, normals and how much <w, x> has to change: small, large, out of reach; w with zeros."""
    t = make(POINTS, dtype)
    x, w, change = t["point"].flatten(1), t["normal"].flatten(1), t["offset"]
    w[3:6, ::3] = 0
    w[4, :-1] = 0
    x[6] = x[6].round()
    x[7] = (w[7] * change[7] > 0).to(dtype)
    change[8:10] *= 100
    change[10] *= 1e-4
    return x, w, change


def projections(norm):
    def compute(dtype):
        x, w, change = hyperplanes(dtype)
        return NORMS[norm][0](x, w, (w * x).sum(dim=1) + change)

    return packed(agreed(f"{norm} projections", compute, 1e-5), 7)


def classified(network, dtype):
    """The network, images with a third of their pixels at the borders, the classes it gives them."""
    model, images = network(dtype).eval(), make(IMAGES, dtype)["fabImage"].clamp(0, 1)
    return model, images, model(images).argmax(dim=1)


def fab(network, norm, steps, targeted):
    """The norms after each target class (or the norms of the one untargeted run)."""

    def compute(dtype):
        model, images, labels = classified(network, dtype)
        attack = FABAttack_PT(model, norm={"linf": "Linf", "l2": "L2"}[norm], n_iter=steps)
        found = []
        for rank in range(2, CLASSES + 1) if targeted else [None]:
            attack.target_class = rank
            adversarial = attack.attack_single_run(images, labels, is_targeted=targeted)
            assert (model(adversarial).argmax(dim=1) != labels).all(), "a run found nothing"
            found.append(NORMS[norm][1](adversarial - images))
        return torch.stack(found).cummin(dim=0)[0]

    name = f"{network.__name__}: {norm} {'targeted' if targeted else 'untargeted'} FAB, {steps} steps"
    return packed(agreed(name, compute, 1e-4), 7)


def deepfool(network, norm):
    def compute(dtype):
        model, images, labels = classified(network, dtype)
        kind = {"linf": foolbox.attacks.LinfDeepFoolAttack, "l2": foolbox.attacks.L2DeepFoolAttack}
        wrapped = foolbox.PyTorchModel(model, bounds=(0, 1), device="cpu")
        adversarial = kind[norm]().run(wrapped, images, foolbox.Misclassification(labels))
        assert (model(adversarial).argmax(dim=1) != labels).all(), "an image is still right"
        return NORMS[norm][1](adversarial - images)

    return packed(agreed(f"{network.__name__}: {norm} DeepFool", compute, 1e-4), 7)


def golden():
    torch.set_num_threads(1)
    x, w, change = hyperplanes(torch.float64)
    result = {
        "inputs": WEIGHTS | BENT | IMAGES,
        "hyperplanes": {"points": packed(x), "normals": packed(w), "change": packed(change)},
        "projections": {norm: projections(norm) for norm in NORMS},
    }
    for network in (Tiny, Bent):
        result[network.__name__] = {
            "labels": classified(network, torch.float64)[2].tolist(),
            **{norm: {
                "targeted": {str(n): fab(network, norm, n, True) for n in STEPS},
                "untargeted": {str(n): fab(network, norm, n, False) for n in STEPS},
                "deepFool": deepfool(network, norm),
            } for norm in NORMS},
        }
    write(GOLDEN, "fab.json", result)


if __name__ == "__main__":
    golden()
