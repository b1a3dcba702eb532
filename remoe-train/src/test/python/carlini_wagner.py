"""l2 norms of foolbox's Carlini and Wagner attack on the tiny classifier of attacks.py.

Run `python carlini_wagner.py` in this folder; it writes ../resources/golden/carlini_wagner.json.

foolbox ends Adam's steps early by the batch's summed loss; every image is attacked alone, so that
this too is decided image by image. Each setting runs in float32 and float64, and the script stops
unless the norms agree within 0.03 %: a fixture within 0.1 % must not hang on rounding. An image that
the attack does not win has the norm null.
"""

import foolbox
import torch

from attacks import WEIGHTS, Tiny
from golden import GOLDEN, make, recipe, rounded, write

IMAGES = {"carlini-wagner": recipe((8, 3, 8, 8), 0.0, 1.0)}
SETTINGS = {
    "search": dict(binary_search_steps=9, steps=100, initial_const=1e-3),
    "largerSteps": dict(binary_search_steps=5, steps=60, initial_const=0.1, stepsize=0.05),
    "confident": dict(binary_search_steps=4, steps=80, initial_const=0.1, confidence=0.3),
    "allSteps": dict(binary_search_steps=3, steps=150, initial_const=0.02, abort_early=False),
    "oneConstant": dict(binary_search_steps=1, steps=50, initial_const=1.0, abort_early=False),
    "tooSmallConstant": dict(binary_search_steps=1, steps=50, initial_const=0.02),
    "targeted": dict(binary_search_steps=6, steps=100, initial_const=0.01),
}


def norms(settings, targeted, dtype):
    model = Tiny(dtype).eval()
    images = make(IMAGES, dtype)["carlini-wagner"]
    labels = model(images).argmax(1)
    attack = foolbox.attacks.L2CarliniWagnerAttack(**settings)
    found = []
    for i in range(len(images)):
        image, label = images[i:i + 1], labels[i:i + 1]
        criterion = (foolbox.criteria.TargetedMisclassification((label + 1) % 5) if targeted
                     else foolbox.criteria.Misclassification(label))
        adversarial = attack.run(foolbox.PyTorchModel(model, bounds=(0, 1)), image, criterion)
        won = adversarial.abs().sum() > 0  # foolbox gives zeros where it has found nothing
        found.append((adversarial - image).norm().item() if won else None)
    return found


def golden():
    torch.set_num_threads(1)
    results = {}
    for name, settings in SETTINGS.items():
        single = norms(settings, name == "targeted", torch.float32)
        double = norms(settings, name == "targeted", torch.float64)
        for a, b in zip(single, double):
            assert (a is None) == (b is None), f"{name}: success hangs on rounding"
            assert a is None or abs(a / b - 1) < 3e-4, f"{name}: {a} in float32, {b} in float64"
        print(name, [n and round(n, 4) for n in double])
        results[name] = {
            "settings": settings, "targeted": name == "targeted",
            "norms": [n and rounded(n) for n in double],
        }
    write(GOLDEN, "carlini_wagner.json", {"inputs": WEIGHTS | IMAGES, "attacks": results})


if __name__ == "__main__":
    golden()
