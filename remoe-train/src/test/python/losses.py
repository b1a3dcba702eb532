"""The region losses and their gradients, float64.

Run `python losses.py` in this folder; it writes ../resources/golden/losses.json.

The guards on norms that a float32 implementation needs are left out: no two vectors agree here.
"""

import math

import torch
import torch.nn.functional as F

from golden import GOLDEN, make, packed, recipe, rounded, write

LAYERS, BATCH, K, CLASSES = 2, 4, 4, 5
LABELS = [2, 0, 4, 1]
BETA, TRADES_BETA = 0.5, 6.0
INPUTS = {
    "cleanLogits": recipe((BATCH, CLASSES), -2.0, 2.0),
    "advLogits": recipe((BATCH, CLASSES), -2.0, 2.0),
    "cleanWeights": recipe((LAYERS, BATCH, K), 0.2, 2.0),
    "advWeights": recipe((LAYERS, BATCH, K), 0.2, 2.0),
}


def trust(t):
    """Distance d, gamma and beta~ of every sample; constants to the gradient."""
    with torch.no_grad():
        d = (t["cleanWeights"] - t["advWeights"]).norm(dim=2).mean(dim=0)
        gamma = torch.exp(-d / (d.max() + 1e-8))
        return d, gamma, BETA * gamma / (BETA * gamma + 1 - BETA)


def cross_entropy(logits):
    return F.cross_entropy(logits, torch.tensor(LABELS), reduction="none")


def robust(t):
    beta = trust(t)[2]
    clean, adv = cross_entropy(t["cleanLogits"]), cross_entropy(t["advLogits"])
    return (beta * clean + (1 - beta) * adv).mean()


def robust_trades(t):
    beta = trust(t)[2]
    clean, adv = t["cleanLogits"].log_softmax(dim=1), t["advLogits"].log_softmax(dim=1)
    kl = (clean.exp() * (clean - adv)).sum(dim=1)
    natural = cross_entropy(t["cleanLogits"])
    return (2 * (beta * natural + (1 - beta) * TRADES_BETA * kl)).mean()


def align(t):
    u, v = (w / w.norm(dim=2, keepdim=True) for w in (t["cleanWeights"], t["advWeights"]))
    angle = 2 * torch.asin((u - v).norm(dim=2) / 2)
    return -torch.log(1 - angle / math.pi + 1e-6).mean()


def evaluate(loss):
    """The loss's value and its gradients with respect to the inputs that it reaches."""
    t = make(INPUTS, torch.float64)
    for value in t.values():
        value.requires_grad_(True)
    result = loss(t)
    result.backward()
    return {
        "value": rounded(result.item()),
        "gradients": {name: packed(v.grad) for name, v in t.items() if v.grad is not None},
    }


if __name__ == "__main__":
    d, gamma, beta_tilde = trust(make(INPUTS, torch.float64))
    write(GOLDEN, "losses.json", {
        "beta": BETA, "tradesBeta": TRADES_BETA, "labels": LABELS, "inputs": INPUTS,
        "distance": packed(d), "gamma": packed(gamma), "betaTilde": packed(beta_tilde),
        "robust": evaluate(robust),
        "robustTrades": evaluate(robust_trades),
        "align": evaluate(align),
    })
