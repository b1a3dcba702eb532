"""Logits of timm's vision transformers on weights that Java can make too.

Run `python timm_logits.py` in this folder; it writes ../resources/golden/timm_*.json.

Every tensor of the state dict is `values(its timm name, size, low, high)` with the range of the
first rule whose pattern is found in the name. The weights are float32 numbers; the forward
pass runs in float64, and `float32Difference` is how far timm's own float32 pass
comes from it at most.
"""

import re

import timm
import torch
from timm.models.vision_transformer import VisionTransformer

from deterministic import GOLDEN, packed, recipe, rounded, tensor, write


def rules(patch):
    """The range of every kind of tensor; the first pattern that is found in the name counts."""
    return [
        {"kind": kind, "pattern": pattern, "low": low, "high": high}
        for kind, pattern, low, high in [
            ("norm weight", r"norm\d?\.weight$", 0.8, 1.2),
            ("bias", r"\.bias$", -0.1, 0.1),
            ("embedding", r"^(cls_token|dist_token|pos_embed)$", -0.5, 0.5),
            ("patch weight", r"^patch_embed\.proj\.weight$", -patch, patch),
            ("head weight", r"^head(_dist)?\.weight$", -0.1, 0.1),
            ("query, key, value weight", r"\.qkv\.weight$", -0.12, 0.12),
            ("linear weight", r"\.weight$", -0.06, 0.06),
        ]
    ]


def fill(model, table):
    state = {}
    for name, old in model.state_dict().items():
        rule = next(r for r in table if re.search(r["pattern"], name))
        state[name] = tensor(name, old.shape, rule["low"], rule["high"])
    model.load_state_dict(state)


def watch_class_attention(model, layer):
    """A list that receives, at each forward, the class token's attention, mean over heads."""
    attention = model.blocks[layer].attn
    attention.fused_attn = False
    seen = []
    attention.attn_drop.register_forward_hook(
        lambda _module, _inputs, a: seen.append(a[:, :, 0, :].mean(dim=1)))
    return seen


@torch.no_grad()
def golden(name, model, mean, std, patch, saliency_layer=None):
    table = rules(patch)
    model.eval()
    fill(model, table)
    image = tensor("image", (2, 3, *model.patch_embed.img_size), 0.0, 1.0)

    def forward(dtype):
        shift, scale = (torch.tensor(v, dtype=dtype).view(1, 3, 1, 1) for v in (mean, std))
        return model.to(dtype)((image.to(dtype) - shift) / scale)

    single = forward(torch.float32)
    seen = [] if saliency_layer is None else watch_class_attention(model, saliency_layer)
    logits = forward(torch.float64)
    content = {
        "model": name,
        "parameterCount": sum(p.numel() for p in model.parameters()),
        "mean": list(mean),
        "std": list(std),
        "rules": table,
        "inputs": {"image": recipe(image.shape, 0.0, 1.0)},
        "shapes": {k: list(v.shape) for k, v in model.state_dict().items()},
        "float32Difference": rounded((single - logits).abs().max().item(), 2),
        "logits": packed(logits, 7),
    }
    if seen:
        content["saliencyLayer"] = saliency_layer
        content["classAttention"] = packed(seen[0], 7)
    print(f"logits: std {logits.std():.3f}, between the images {(logits[0] - logits[1]).std():.3f}")
    write(GOLDEN, f"timm_{name}.json", content)


if __name__ == "__main__":
    for name in (
        "vit_small_patch16_224",
        "deit_small_patch16_224",
        "deit_tiny_patch16_224",
        "deit_tiny_distilled_patch16_224",
    ):
        model = timm.create_model(name, pretrained=False, num_classes=1000)
        golden(name, model, model.default_cfg["mean"], model.default_cfg["std"], patch=0.05)
    tiny = VisionTransformer(
        img_size=32, patch_size=4, embed_dim=192, depth=12, num_heads=3, num_classes=10)
    golden("vit_tiny_patch4_32", tiny, (0.5,) * 3, (0.5,) * 3, patch=0.3, saliency_layer=5)
