"""Twelve steps of PyTorch's SGD with warm-up, a milestone and gradient clipping, float64.

Run `python sgd.py` in this folder; it writes ../resources/golden/sgd.json.

The function is f(w) = sum(c * w * w) / 2, so the gradient is c * w. Each step: gradient, clip to
global norm 1 (factor min(1, maxNorm / (norm + 1e-6))), then SGD at that step's learning rate.
"""

import torch

from golden import GOLDEN, make, packed, recipe, rounded, write

BASE, MOMENTUM, DECAY, MAX_NORM = 0.1, 0.9, 1e-4, 1.0
WARM_UP, MILESTONE, STEPS = 4, 8, 12
INPUTS = {"w": recipe((5,), -1.0, 1.0), "c": recipe((5,), 0.5, 4.0)}


def factor(step):
    """The learning rate at a 0-based step, as a multiple of the base rate."""
    return min(1.0, (step + 1) / WARM_UP) * (0.1 if step >= MILESTONE else 1.0)


def golden():
    t = make(INPUTS, torch.float64)
    w, c = t["w"].requires_grad_(True), t["c"]
    optimizer = torch.optim.SGD([w], lr=BASE, momentum=MOMENTUM, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
    steps = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = (c * w * w).sum() / 2
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_([w], max_norm=MAX_NORM)
        rate = optimizer.param_groups[0]["lr"]
        optimizer.step()
        schedule.step()
        steps.append({
            "lr": rounded(rate),
            "loss": rounded(loss.item()),
            "gradientNorm": rounded(norm.item()),
            "w": packed(w)["data"],
            "momentum": packed(optimizer.state[w]["momentum_buffer"])["data"],
        })
    print("gradient norms", [round(s["gradientNorm"], 3) for s in steps])
    write(GOLDEN, "sgd.json", {
        "baseLr": BASE, "momentum": MOMENTUM, "weightDecay": DECAY, "maxNorm": MAX_NORM,
        "warmUpSteps": WARM_UP, "milestone": MILESTONE, "inputs": INPUTS, "steps": steps,
    })


if __name__ == "__main__":
    golden()
