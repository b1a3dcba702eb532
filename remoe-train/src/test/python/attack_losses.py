"""Losses of attacks and their gradients with respect to the logits, float64.

Run `python attack_losses.py` in this folder; it writes ../resources/golden/attack_losses.json.

DLR and its targeted form are auto-attack's own, KL is torch.nn.functional.kl_div, and the margin is
Carlini and Wagner's with the other classes' maximum taken over the logits without the class.
"""

import torch
import torch.nn.functional as F
from autoattack.autopgd_base import APGDAttack_targeted

from golden import GOLDEN, make, packed, recipe, write

BATCH, CLASSES = 8, 6
INPUTS = {
    "logits": recipe((BATCH, CLASSES), -2.0, 2.0),
    "cleanLogits": recipe((BATCH, CLASSES), -2.0, 2.0),
}


def margin(logits, classes):
    rows = torch.arange(BATCH)
    rest = logits.clone()
    rest[rows, classes] = -torch.inf
    return rest.max(1).values - logits[rows, classes]


def losses(labels, targets, clean):
    """Name to logits -> losses (B)."""
    auto_attack = APGDAttack_targeted(None, eps=1.0)
    auto_attack.y_target = targets
    return {
        "crossEntropy": lambda z: F.cross_entropy(z, labels, reduction="none"),
        "targetedCrossEntropy": lambda z: auto_attack.ce_loss_targeted(z, labels),
        "margin": lambda z: margin(z, labels),
        "targetedMargin": lambda z: -margin(z, targets),
        "dlr": lambda z: auto_attack.dlr_loss(z, labels),
        "targetedDlr": lambda z: auto_attack.dlr_loss_targeted(z, labels),
        "kl": lambda z: F.kl_div(
            z.log_softmax(1), clean.softmax(1), reduction="none").sum(1),
    }


def golden():
    t = make(INPUTS, torch.float64)
    ranked = t["logits"].argsort(1, descending=True)
    # The label is the class of rank 0, 0, 1, 1, 2, ..., the target one of the others.
    rows = torch.arange(BATCH)
    labels, targets = ranked[rows, rows // 2], ranked[rows, (rows // 2 + 1 + 2 * (rows % 2)) % 6]
    assert (labels != targets).all()
    results = {}
    for name, loss in losses(labels, targets, t["cleanLogits"]).items():
        logits = t["logits"].clone().requires_grad_(True)
        values = loss(logits)
        values.sum().backward()
        results[name] = {"values": packed(values), "gradient": packed(logits.grad)}
    write(GOLDEN, "attack_losses.json", {
        "inputs": INPUTS, "labels": labels.tolist(), "targets": targets.tolist(),
        "losses": results,
    })


if __name__ == "__main__":
    golden()
