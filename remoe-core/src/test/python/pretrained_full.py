"""Whole networks of timm against this project's: loading, resizing and exporting.

    python pretrained_full.py make DIR       random weights of timm's networks
    mvnw -pl remoe-core test -Dtest=PretrainedFullTest -Dremoe.weights=DIR
    python pretrained_full.py compare DIR    what timm makes of both

The test in the middle loads each file into the network of that name, at 224/16 and resized to
32/4, and writes the logits of an image and the weights; here timm loads these weights, strictly, and
the original ones with its own resizing, and the logits of all are compared.
"""

import argparse
from pathlib import Path

import safetensors.torch
import timm
import torch

from deterministic import tensor
from pretrained import logits, resized, shake

MODELS = ("deit_tiny_patch16_224", "deit_tiny_distilled_patch16_224")


def make(folder):
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    for name in MODELS:
        model = timm.create_model(name, pretrained=False)
        shake(model)
        safetensors.torch.save_file(model.state_dict(), folder / f"{name}.safetensors")


def compare(folder):
    print(f"{'network':42}{'logits':>8}{'ours':>10}{'exported':>10}{'weights':>10}")
    for name in MODELS:
        state = safetensors.torch.load_file(folder / f"{name}.safetensors")
        for size, patch in ((224, 16), (32, 4)):
            def build():
                return timm.create_model(
                    name, pretrained=False, img_size=size, patch_size=patch).eval()

            image = tensor("image", (2, 3, size, size), 0.0, 1.0)
            expected = resized(state, build())
            ours = safetensors.torch.load_file(folder / f"{name}-{size}.logits.safetensors")
            weights = safetensors.torch.load_file(folder / f"{name}-{size}.export.safetensors")
            exported = build()
            exported.load_state_dict(weights, strict=True)
            truth = logits(expected, image)
            differences = (
                ours["logits"] - truth,
                logits(exported, image) - truth,
                torch.cat([(weights[k] - v).flatten() for k, v in expected.state_dict().items()]),
            )
            print(f"{name + f', {size}/{patch}':42}{truth.abs().max():8.2f}"
                  + "".join(f"{d.abs().max():10.1e}" for d in differences))


if __name__ == "__main__":
    torch.set_num_threads(1)
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("step", choices=("make", "compare"))
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    {"make": make, "compare": compare}[arguments.step](arguments.folder)
