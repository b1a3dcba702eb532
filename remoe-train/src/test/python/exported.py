"""A file of the command `export` in Python: a plain network in timm, a ReMoE one in our own reader.

    python exported.py model.safetensors --data DIR/cifar-10-batches-bin --verdicts RUN/verdicts.csv

prints how many of the images of an evaluation get the same class as there.
"""

import argparse
import csv
import json

import timm
import torch
from safetensors import safe_open

from cifar import images
from vision_transformer import VisionTransformer


def into_timm(path):
    with safe_open(path, framework="pt") as file:
        network = json.loads(file.metadata()["network"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}
    model = timm.models.vision_transformer.VisionTransformer(
        img_size=network["imageSize"], patch_size=network["patchSize"],
        embed_dim=network["embedDim"], depth=network["depth"], num_heads=network["numHeads"],
        mlp_ratio=network["mlpRatio"], num_classes=network["numClasses"])
    model.load_state_dict(tensors, strict=True)
    mean, std = (torch.tensor(network[key]).view(1, 3, 1, 1) for key in ("mean", "std"))
    return lambda pixels: model.eval()((pixels - mean) / std)


@torch.no_grad()
def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("weights")
    parser.add_argument("--data", required=True)
    parser.add_argument("--verdicts", required=True)
    args = parser.parse_args()
    with open(args.verdicts, newline="") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    x, _ = images(args.data, [int(row["index"]) for row in rows])
    with safe_open(args.weights, framework="pt") as file:
        remoe = json.loads(file.metadata()["network"])["remoe"]
    logits = (VisionTransformer(args.weights) if remoe else into_timm(args.weights))(x)
    same = sum(int(row["clean"]) == k for row, k in zip(rows, logits.argmax(1).tolist()))
    print(f"{'our reader' if remoe else 'timm'}: {same} of {len(rows)} images get the same class")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
