"""A vision transformer of this project in plain PyTorch, with ReMoE blocks or without, from the
safetensors file that the command `export` writes."""

import json

import torch
import torch.nn.functional as F
from safetensors import safe_open

import golden  # noqa: F401  (puts remoe-core's scripts on the path)
from remoe_block import block


class VisionTransformer(torch.nn.Module):
    """Pixels (B,3,h,w) in [0,1] to logits (B,C)."""

    def __init__(self, path):
        super().__init__()
        with safe_open(path, framework="pt") as file:
            self.config = json.loads(file.metadata()["network"])
            self.weights = {name: file.get_tensor(name) for name in file.keys()}
        self.depth = 1 + max(int(n.split(".")[1]) for n in self.weights if n.startswith("blocks."))

    def forward(self, pixels):
        w, config = self.weights, self.config
        mean, std = (torch.tensor(config[key]).view(1, 3, 1, 1) for key in ("mean", "std"))
        patches = F.conv2d((pixels - mean) / std, w["patch_embed.proj.weight"],
                           w["patch_embed.proj.bias"], stride=config["patchSize"])
        self.side = patches.shape[-1]
        x = patches.flatten(2).mT
        x = torch.cat([w["cls_token"].expand(x.shape[0], -1, -1), x], dim=1) + w["pos_embed"]
        for layer in range(self.depth):
            x = self.encoder_block(x, f"blocks.{layer}.")
        return self.linear(self.norm(x, "norm")[:, 0], "head")

    def encoder_block(self, x, name):
        attended, attention = self.attention(self.norm(x, name + "norm1"), name + "attn.")
        x = x + attended
        return x + self.mlp(self.norm(x, name + "norm2"), attention, name + "mlp.")

    def attention(self, x, name):
        batch, tokens, width = x.shape
        heads = self.config["numHeads"]
        qkv = self.linear(x, name + "qkv").reshape(batch, tokens, 3, heads, width // heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        attention = (q @ k.mT * (width // heads) ** -0.5).softmax(-1)
        return self.linear((attention @ v).transpose(1, 2).flatten(2), name + "proj"), attention

    def mlp(self, x, attention, name):
        if name + "fc1.weight" in self.weights:
            return self.linear(F.gelu(self.linear(x, name + "fc1")), name + "fc2")
        layer = 1 + int(name.split(".")[1])
        remoe = next(r for r in self.config["remoe"] if layer in r["layers"])
        tensors = {"x": x, "attention": attention}
        for layer in ("fc1", "fc2"):
            for ours, reference in (("global_expert", "global"), ("center_expert", "centre"),
                                    ("regional_experts", "regional")):
                weight, bias = (self.weights[f"{name}{ours}.{layer}.{kind}"]
                                for kind in ("weight", "bias"))
                # The reference multiplies by the stacked weights from the right.
                tensors[f"{reference}.{layer}.weight"] = weight.mT if weight.ndim == 3 else weight
                tensors[f"{reference}.{layer}.bias"] = bias
        grid = (self.side, self.side, remoe["rows"], remoe["columns"], remoe["centerRatio"])
        return block(tensors, grid, 1, remoe["topK"], remoe["lambda1"], remoe["lambda2"])[0]

    def norm(self, x, name):
        w = self.weights
        return F.layer_norm(x, x.shape[-1:], w[name + ".weight"], w[name + ".bias"], eps=1e-6)

    def linear(self, x, name):
        return F.linear(x, self.weights[name + ".weight"], self.weights[name + ".bias"])
