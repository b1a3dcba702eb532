"""Losses of auto-attack's APGD on the tiny classifier of attacks.py, from a given start.

pip install git+https://github.com/fra31/auto-attack@a39220048b3c9f2cca9a4d3a54604793c68eca7e
Run `python autoattack_apgd.py` in this folder; it writes ../resources/golden/autoattack_apgd.json.

Labels are the model's own predictions, targets the classes that it finds third most likely.

Steps follow signs and halve where losses compare, so rounding could send another float32 program
another way: the script runs everything in float32 and float64 and stops unless they agree, in all
losses on the way for 20 steps, in the highest losses for 100.
"""

import torch
import torch.nn.functional as F
from autoattack.autopgd_base import APGDAttack, APGDAttack_targeted

from attacks import IMAGE, WEIGHTS, Tiny
from golden import GOLDEN, make, packed, recipe, write

START = {"noise": recipe((4, 3, 8, 8), -1.0, 1.0)}
EPSILON = {"linf": 2 / 255, "l2": 0.12}
NORM = {"linf": "Linf", "l2": "L2"}
LOSS = {"cross-entropy": "ce", "dlr": "dlr", "targeted-dlr": "dlr-targeted"}


def start(image, norm):
    """image + epsilon * noise, clipped; in l2, the noise of each image is divided by its length."""
    noise = make(START, image.dtype)["noise"]
    if norm == "l2":
        noise = noise / noise.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
    return (image + EPSILON[norm] * noise).clamp(0, 1)


def run(loss, norm, steps, dtype):
    """Labels, targets, the losses at the start and after each step, the highest, who is robust."""
    torch.set_default_dtype(dtype)  # The attack makes its buffers in the default type.
    model = Tiny(dtype).eval()
    image = make(IMAGE, dtype)["image"]
    ascending = model(image).argsort(1)
    labels, targets = ascending[:, -1], ascending[:, -3]
    targeted = loss == "targeted-dlr"
    attack = (APGDAttack_targeted if targeted else APGDAttack)(
        model, n_iter=steps, norm=NORM[norm], eps=EPSILON[norm], device="cpu")
    attack.loss = LOSS[loss]
    attack.y_target = targets
    attack.init_hyperparam(image)
    seen = []
    handle = model.register_forward_hook(lambda _m, _i, logits: seen.append(logits.detach()))
    _, robust, highest, _ = attack.attack_single_run(image, labels, start(image, norm))
    handle.remove()
    assert len(seen) == steps + 1
    of = {
        "cross-entropy": lambda z, y: F.cross_entropy(z, y, reduction="none"),
        "dlr": attack.dlr_loss,
        "targeted-dlr": getattr(attack, "dlr_loss_targeted", None),
    }[loss]
    losses = torch.stack([of(logits, labels) for logits in seen])
    assert torch.equal(losses.max(0).values, highest)
    return labels, targets, losses, highest, robust


def golden():
    runs = []
    for norm in EPSILON:
        for loss in LOSS:
            _, _, single, single_highest, _ = run(loss, norm, 20, torch.float32)
            labels, targets, losses, highest, robust = run(loss, norm, 20, torch.float64)
            gap = (losses - single).abs().max().item()
            assert gap < 1e-4, f"{norm} {loss}: the way hangs on rounding, {gap}"
            _, _, _, single_long, _ = run(loss, norm, 100, torch.float32)
            _, _, _, long, _ = run(loss, norm, 100, torch.float64)
            long_gap = (long - single_long).abs().max().item()
            assert long_gap < 5e-4, f"{norm} {loss}: the result hangs on rounding, {long_gap}"
            print(f"{norm} {loss}: {losses[0].mean():.4f} -> {highest.mean():.4f} in 20 steps,"
                  f" {long.mean():.4f} in 100; gaps {gap:.0e}, {long_gap:.0e}")
            runs.append({
                "norm": norm, "epsilon": EPSILON[norm], "loss": loss,
                "losses": packed(losses, 7), "highest": packed(highest, 7),
                "robust": robust.tolist(), "highestOf100Steps": packed(long, 7),
            })
    write(GOLDEN, "autoattack_apgd.json", {
        "inputs": WEIGHTS | IMAGE | START, "labels": labels.tolist(),
        "targets": targets.tolist(), "runs": runs,
    })


if __name__ == "__main__":
    golden()
