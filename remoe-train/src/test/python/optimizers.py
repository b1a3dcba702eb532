"""Twenty steps of PyTorch's SGD and AdamW with schedules, clipping and weight averages, float64.

Run `python optimizers.py` in this folder; it writes ../resources/golden/optimizers.json.

The function is f = sum over the parameters p of sum(c_p * (p - goal_p) ** 2) / 2, c and goal made by
name. Each step: gradient, clip to global norm MAX_NORM, optimizer and schedule of that step, then the
averages: timm's EMA, the same with its decay warmed up, and PyTorch's SWA from step SWA_FROM on.
"weightsOnly" leaves out of the weight decay what timm does.
"""

import torch
from timm.optim import param_groups_weight_decay
from timm.utils import ModelEmaV3
from torch.optim import lr_scheduler, swa_utils

from golden import GOLDEN, make, packed, recipe, rounded, write

STEPS, WARM_UP, MAX_NORM = 20, 5, 1.0
SHAPES = {"weight": (3, 2), "bias": (3,), "gamma": (2,), "token": (1, 1, 2), "experts": (2, 1, 3)}
INPUTS = {
    name + suffix: recipe(shape, low, high)
    for name, shape in SHAPES.items()
    for suffix, low, high in [("", -1.0, 1.0), (".c", 0.5, 2.0), (".goal", -1.0, 1.0)]
}
SGD = {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.1, "milestones": [11, 16], "factor": 0.1}
ADAMW = {"lr": 0.05, "weight_decay": 0.3, "min_lr": 0.001}
EMA_DECAY, SWA_FROM = 0.8, 12


class Network(torch.nn.Module):
    """Parameters alone; `experts` is a stack of two biases."""

    def __init__(self):
        super().__init__()
        self.inputs = make(INPUTS, torch.float64)
        for name in SHAPES:
            setattr(self, name, torch.nn.Parameter(self.inputs[name].clone()))

    def loss(self):
        return sum(
            (self.inputs[name + ".c"] * (p - self.inputs[name + ".goal"]) ** 2).sum() / 2
            for name, p in self.named_parameters()
        )

    def numbers(self):
        return {name: packed(p)["data"] for name, p in self.named_parameters()}


def groups(network, decay, weights_only):
    if not weights_only:
        return network.parameters()
    return param_groups_weight_decay(network, decay, no_weight_decay_list=["token", "experts"])


def warmed_up(optimizer, after):
    # The rise ends with the base rate in the last of its steps; the other schedule follows it.
    rise = lr_scheduler.LinearLR(optimizer, 1 / WARM_UP, total_iters=WARM_UP - 1)
    return lr_scheduler.SequentialLR(optimizer, [rise, after], milestones=[WARM_UP])


def sgd(network, weights_only):
    parameters = groups(network, SGD["weight_decay"], weights_only)
    optimizer = torch.optim.SGD(
        parameters, lr=SGD["lr"], momentum=SGD["momentum"], weight_decay=SGD["weight_decay"])
    falls = lr_scheduler.MultiStepLR(
        optimizer, [m - WARM_UP for m in SGD["milestones"]], gamma=SGD["factor"])
    return optimizer, warmed_up(optimizer, falls), {"velocity": "momentum_buffer"}


def adamw(network, weights_only):
    parameters = groups(network, ADAMW["weight_decay"], weights_only)
    optimizer = torch.optim.AdamW(
        parameters, lr=ADAMW["lr"], weight_decay=ADAMW["weight_decay"])
    cosine = lr_scheduler.CosineAnnealingLR(
        optimizer, T_max=STEPS - WARM_UP, eta_min=ADAMW["min_lr"])
    slots = {"firstMoment": "exp_avg", "secondMoment": "exp_avg_sq"}
    return optimizer, warmed_up(optimizer, cosine), slots


def run(make_optimizer, weights_only):
    network = Network()
    optimizer, schedule, slots = make_optimizer(network, weights_only)
    ema = ModelEmaV3(network, decay=EMA_DECAY)
    warm_ema = ModelEmaV3(network, decay=EMA_DECAY)
    swa = swa_utils.AveragedModel(network)
    steps = []
    for step in range(STEPS):
        optimizer.zero_grad()
        network.loss().backward()
        norm = torch.nn.utils.clip_grad_norm_(network.parameters(), max_norm=MAX_NORM)
        rate = optimizer.param_groups[0]["lr"]
        optimizer.step()
        schedule.step()
        ema.update(network)
        warm_ema.decay = min(EMA_DECAY, (1 + step) / (10 + step))
        warm_ema.update(network)
        if step + 1 >= SWA_FROM:
            swa.update_parameters(network)
        steps.append({
            "lr": rounded(rate), "gradientNorm": rounded(norm.item()), "values": network.numbers(),
        })
    state = {
        slot: {name: packed(optimizer.state[p][key])["data"]
               for name, p in network.named_parameters()}
        for slot, key in slots.items()
    }
    averages = {
        "ema": ema.module.numbers(), "warmEma": warm_ema.module.numbers(),
        "swa": swa.module.numbers(),
    }
    print("norms", [round(s["gradientNorm"], 2) for s in steps])
    print("rates", [round(s["lr"], 4) for s in steps])
    return {"steps": steps, "state": state, "averages": averages}


if __name__ == "__main__":
    torch.set_num_threads(1)
    write(GOLDEN, "optimizers.json", {
        "inputs": INPUTS, "maxNorm": MAX_NORM, "warmUpSteps": WARM_UP, "sgdSettings": SGD,
        "adamwSettings": ADAMW, "emaDecay": EMA_DECAY, "swaFrom": SWA_FROM,
        "sgd": run(sgd, False), "sgdWeightsOnly": run(sgd, True),
        "adamw": run(adamw, False), "adamwWeightsOnly": run(adamw, True),
    })
