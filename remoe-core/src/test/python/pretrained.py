"""Weights of timm's vision transformers, and what timm makes of them at another size.

Run `python pretrained.py` in this folder; it writes ../resources/golden/pretrained_*.safetensors, two
small networks for 224 x 224 images and patches of 16 x 16, and pretrained.json: their logits, the
logits of the networks for 32 x 32 and 4 x 4 that timm's own loading makes of them, and single
position embeddings and kernels that timm has resized, not square ones among them.
"""

import safetensors.torch
import torch
import torch.nn.functional as F
from timm.layers import resample_abs_pos_embed, resample_patch_embed
from timm.models.deit import VisionTransformerDistilled
from timm.models.vision_transformer import VisionTransformer, checkpoint_filter_fn

from deterministic import GOLDEN, packed, recipe, tensor, write

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CLASSES = {"plain": VisionTransformer, "distilled": VisionTransformerDistilled}
SIZES = {"plain": dict(embed_dim=12, depth=2, num_heads=2, num_classes=5)}
SIZES["distilled"] = SIZES["plain"]


def shake(model):
    """timm starts biases and norms at 0 and 1: what is missed there would not be seen."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.05 * torch.randn_like(parameter)


def logits(model, image):
    """From pixels in [0,1]."""
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (MEAN, STD))
    with torch.no_grad():
        return model.eval()((image - mean) / std)


def resized(state, small, patches="pseudo-inverse"):
    """Loads weights into a network for another image and patch size, as timm does when it loads
    them; or with the kernel resized like an image."""
    if patches == "bicubic":
        kernel = state["patch_embed.proj.weight"]
        size = small.patch_embed.proj.weight.shape[-2:]
        state = state | {"patch_embed.proj.weight": F.interpolate(
            kernel, size=size, mode="bicubic", antialias=True)}
    small.load_state_dict(checkpoint_filter_fn(state, small), strict=True)
    return small


def networks(kind):
    torch.manual_seed(len(kind))
    build = CLASSES[kind]
    model = build(img_size=224, patch_size=16, **SIZES[kind])
    shake(model)
    # The distilled one is kept in half precision.
    dtype = torch.float16 if kind == "distilled" else torch.float32
    stored = {name: value.to(dtype) for name, value in model.state_dict().items()}
    safetensors.torch.save_file(stored, GOLDEN / f"pretrained_{kind}.safetensors")
    state = {name: value.float() for name, value in stored.items()}
    model.load_state_dict(state)
    large, image = (tensor(n, (2, 3, s, s), 0.0, 1.0) for n, s in (("large", 224), ("image", 32)))
    result = {"224": packed(logits(model, large))}
    for patches in ("pseudo-inverse", "bicubic"):
        small = resized(state, build(img_size=32, patch_size=4, **SIZES[kind]), patches)
        result[f"32 {patches}"] = packed(logits(small, image))
    return result


def positions(name, prefix, old, new):
    embedding = tensor(name, (1, prefix + old[0] * old[1], 3), -1.0, 1.0)
    after = resample_abs_pos_embed(embedding, list(new), list(old), num_prefix_tokens=prefix)
    return {"name": name, "prefix": prefix, "old": old, "new": new, "after": packed(after)}


def kernels(name, old, new):
    kernel = tensor(name, (2, 3, *old), -1.0, 1.0)
    return {
        "name": name, "old": old, "new": new,
        "pseudo-inverse": packed(resample_patch_embed(kernel, list(new))),
        "bicubic": packed(F.interpolate(kernel, size=new, mode="bicubic", antialias=True)),
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    write(GOLDEN, "pretrained.json", {
        "inputs": {"large": recipe((2, 3, 224, 224), 0.0, 1.0),
                   "image": recipe((2, 3, 32, 32), 0.0, 1.0)},
        "logits": {kind: networks(kind) for kind in CLASSES},
        "positions": [
            positions("smaller", 1, (14, 14), (8, 8)),
            positions("larger", 2, (3, 3), (7, 7)),
            positions("oblong", 1, (4, 6), (5, 3)),
            positions("turned", 0, (2, 8), (4, 4)),
        ],
        "kernels": [
            kernels("down", (16, 16), (4, 4)),
            kernels("up", (4, 4), (7, 7)),
            kernels("oblong", (6, 4), (4, 8)),
            kernels("nearly", (8, 8), (7, 7)),
        ],
    })
