"""Robust accuracy by the reference implementations, for comparison with the command `evaluate`.

    pip install -r requirements.txt
    python robust_accuracy.py --weights model.safetensors --data DIR/cifar-10-batches-bin \
        --verdicts RUN/verdicts.csv --norm linf --epsilon 8/255

`export --run RUN --out model.safetensors` writes the weights; the verdicts of an evaluation say which
test images it took. Attacks: torchattacks' PGD with 20 steps of epsilon / 4 from a random start, and
auto-attack's standard version with its own settings.
"""

import argparse
import csv
from fractions import Fraction

import torch
import torchattacks
from autoattack import AutoAttack

from cifar import images
from vision_transformer import VisionTransformer


def correct(model, x, y):
    with torch.no_grad():
        return model(x).argmax(1) == y


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--weights", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--verdicts", required=True)
    parser.add_argument("--norm", choices=("linf", "l2"), default="linf")
    parser.add_argument("--epsilon", type=lambda text: float(Fraction(text)), default=8 / 255)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    args = parser.parse_args()
    torch.set_num_threads(args.threads)

    model = VisionTransformer(args.weights).eval()
    with open(args.verdicts, newline="") as file:
        rows = csv.DictReader(line for line in file if not line.startswith("#"))
        indices = sorted(int(row["index"]) for row in rows)
    x, y = images(args.data, indices)
    right = correct(model, x, y)
    print(f"clean       {right.float().mean():.4f}")

    pgd = {"linf": torchattacks.PGD, "l2": torchattacks.PGDL2}[args.norm]
    torch.manual_seed(0)
    adversarial = pgd(model, eps=args.epsilon, alpha=args.epsilon / 4, steps=20)(x, y)
    print(f"pgd-20      {(right & correct(model, adversarial, y)).float().mean():.4f}", flush=True)

    attack = AutoAttack(model, norm={"linf": "Linf", "l2": "L2"}[args.norm], eps=args.epsilon,
                        seed=0, device="cpu")
    adversarial = attack.run_standard_evaluation(x, y, bs=len(x))
    print(f"autoattack  {correct(model, adversarial, y).float().mean():.4f}")


if __name__ == "__main__":
    main()
