"""Twenty steps of SGD with the losses of TRADES, MART and mixup with CutMix, float64.

Run `python schemes.py` in this folder; it writes ../resources/golden/schemes.json.

The network is flatten, linear, tanh, linear. TRADES and MART get adversarial images of their own for
every step: the images plus noise made by name, clipped. Mixup and CutMix are timm's: each step's
lambda (before it is set right for the box) and the centre of the box are written down as timm drew
them.
"""

import numpy as np
import torch
import torch.nn.functional as F
from timm.data import Mixup

from golden import GOLDEN, make, packed, recipe, rounded, write

STEPS, RATE, MOMENTUM = 20, 0.1, 0.9
BATCH, SIZE, CLASSES = 6, 8, 5
EPSILON, TRADES_BETA, MART_BETA = 0.1, 6.0, 5.0
MIXUP_ALPHA, CUTMIX_ALPHA, SMOOTHING = 0.8, 1.0, 0.1
LABELS = [0, 3, 1, 4, 2, 3]
INPUTS = {
    "images": recipe((BATCH, 3, SIZE, SIZE), 0.0, 1.0),
    "first.weight": recipe((8, 3 * SIZE * SIZE), -0.2, 0.2),
    "first.bias": recipe((8,), -0.1, 0.1),
    "second.weight": recipe((CLASSES, 8), -1.0, 1.0),
    "second.bias": recipe((CLASSES,), -0.1, 0.1),
}


def logits(t, x):
    hidden = torch.tanh(F.linear(x.flatten(1), t["first.weight"], t["first.bias"]))
    return F.linear(hidden, t["second.weight"], t["second.bias"])


def adversarial(images, step):
    name = f"noise {step}"
    noise = make({name: recipe(images.shape, -EPSILON, EPSILON)}, torch.float64)[name]
    return (images + noise).clamp(0, 1)


def trades(clean, adv, labels):
    kl = F.kl_div(adv.log_softmax(1), clean.softmax(1), reduction="batchmean")
    return F.cross_entropy(clean, labels) + TRADES_BETA * kl


def mart(clean, adv, labels):
    """Boosted cross-entropy and the divergence weighted by what the true class lacks."""
    p, q = clean.softmax(1), adv.softmax(1)
    truth = F.one_hot(labels, CLASSES).bool()
    largest_other = q.masked_fill(truth, 0).amax(dim=1)
    margin = -torch.log(1.0001 - largest_other + 1e-12)
    boosted = F.cross_entropy(adv, labels, reduction="none") + margin
    divergence = (p * (p.log() - torch.log(q + 1e-12))).sum(dim=1)
    return (boosted + MART_BETA * divergence * (1.0000001 - p[truth])).mean()


class Recorder:
    """timm's Mixup, seeded for each step, with the numbers that it draws."""

    def __init__(self):
        self.mixup = Mixup(
            MIXUP_ALPHA, CUTMIX_ALPHA, label_smoothing=SMOOTHING, num_classes=CLASSES)

    def __call__(self, step, images, labels):
        np.random.seed(step)
        state = np.random.get_state()
        share, cutmix = self.mixup._params_per_batch()
        drawn = {"lambda": rounded(share, 17)}
        if cutmix:
            drawn["center"] = [int(np.random.randint(0, SIZE)) for _ in range(2)]
        np.random.set_state(state)
        return drawn, *self.mixup(images.clone(), labels)


def train(loss):
    t = make(INPUTS, torch.float64)
    images, labels = t.pop("images"), torch.tensor(LABELS)
    parameters = [p.requires_grad_(True) for p in t.values()]
    sgd = torch.optim.SGD(parameters, lr=RATE, momentum=MOMENTUM)
    steps = []
    for step in range(STEPS):
        value, drawn = loss(t, step, images, labels)
        sgd.zero_grad()
        value.backward()
        sgd.step()
        steps.append({**drawn, "loss": rounded(value.item())})
    print(loss.__name__, steps[0], steps[-1])
    return {"steps": steps, "values": {
        name: packed(t[name]) for name in ["first.bias", "second.weight", "second.bias"]}}


def pair(scheme):
    def loss(t, step, images, labels):
        adv = adversarial(images, step)
        return scheme(logits(t, images), logits(t, adv), labels), {}
    loss.__name__ = scheme.__name__
    return loss


def mixup(t, step, images, labels):
    drawn, x, y = Recorder()(step, images, labels)
    return F.cross_entropy(logits(t, x), y.double()), drawn


if __name__ == "__main__":
    write(GOLDEN, "schemes.json", {
        "lr": RATE, "momentum": MOMENTUM, "epsilon": EPSILON, "tradesBeta": TRADES_BETA,
        "martBeta": MART_BETA, "mixupAlpha": MIXUP_ALPHA, "cutmixAlpha": CUTMIX_ALPHA,
        "smoothing": SMOOTHING, "classes": CLASSES, "labels": LABELS, "inputs": INPUTS,
        "trades": train(pair(trades)), "mart": train(pair(mart)), "mixup": train(mixup),
    })
