"""The ReMoE block in plain PyTorch, float64, with a plain loop over the regions.

Run `python remoe_block.py` in this folder; it writes ../resources/golden/remoe_*.json.

Per case: Z, the dense gate output W (mean 1), the routed weights that URI uses (top-k of W,
rescaled to mean 1 over all K regions), and the gradients of sum(Z * cotangent)
with respect to every input.
"""

import math

import torch
import torch.nn.functional as F

from deterministic import GOLDEN, make, packed, recipe, write

DIM, BATCH, HEADS = 6, 2, 2
HIDDEN, FULL = round(0.36 * DIM), 4 * DIM
LAYERS = ("fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias")


def cut(size, parts):
    """The bounds that cut `size` patches into `parts` spans as evenly as whole patches allow."""
    return [i * size // parts for i in range(parts + 1)]


def middle(size, ratio):
    """Start and length of the centre span: that part of the side, rounded up, at least 1."""
    length = max(1, math.ceil(ratio * size - 1e-4))
    return (size - length) // 2, length


def regions(rows, cols, grid_rows, grid_cols, center_ratio=0.5):
    """Patch indices (row-major) of every region (row-major), then of the centre rectangle."""
    def patches(top, bottom, left, right):
        return [r * cols + c for r in range(top, bottom) for c in range(left, right)]

    down, across = cut(rows, grid_rows), cut(cols, grid_cols)
    parts = [patches(down[i], down[i + 1], across[j], across[j + 1])
             for i in range(grid_rows) for j in range(grid_cols)]
    (top, height), (left, width) = middle(rows, center_ratio), middle(cols, center_ratio)
    return parts, patches(top, top + height, left, left + width)


def saliency(x, attention, prefix):
    """Token saliency (B, N): the attention's class row, or with no class token its column mean."""
    if attention is None:
        attention = torch.softmax(x @ x.mT / math.sqrt(x.shape[-1]), dim=-1).unsqueeze(1)
    attention = attention.mean(dim=1)
    return attention[:, 0, prefix:] if prefix else attention.mean(dim=1)


def gate(s, parts):
    r = torch.stack([s[:, p].mean(dim=1) for p in parts], dim=1)
    return r / r.mean(dim=1, keepdim=True)


def route(w, k):
    kept = w * torch.zeros_like(w).scatter(1, w.topk(k, dim=1).indices, 1.0)
    return kept / kept.mean(dim=1, keepdim=True)


def ffn(x, w1, b1, w2, b2):
    """Exact GELU between two layers, weights (in, out)."""
    return F.gelu(x @ w1 + b1) @ w2 + b2


def block(t, grid, prefix, top_k, lambda1, lambda2):
    def expert(name, tokens, k=None):
        w1, b1, w2, b2 = (t[f"{name}.{layer}"] for layer in LAYERS)
        if k is None:  # (out, in), as torch's Linear keeps them
            return ffn(tokens, w1.T, b1, w2.T, b2)
        return ffn(tokens, w1[k], b1[k], w2[k], b2[k])  # stacked (K, in, out)

    x = t["x"]
    parts, centre = regions(*grid)
    w = gate(saliency(x, t.get("attention"), prefix), parts)
    routed = route(w, top_k)

    z = expert("global", x)
    at = torch.tensor(centre) + prefix
    z = z.index_add(1, at, lambda1 * expert("centre", x[:, at]))
    for k, part in enumerate(parts):
        at = torch.tensor(part) + prefix
        share = lambda2 * routed[:, k].view(-1, 1, 1)
        z = z.index_add(1, at, share * expert("regional", x[:, at], k))
    return z, w, routed


def golden(name, grid, prefix, top_k, lambda1=1.0, lambda2=1.0, with_attention=True):
    rows, cols, grid_rows, grid_cols = grid
    tokens, k = prefix + rows * cols, grid_rows * grid_cols
    inputs = {"x": recipe((BATCH, tokens, DIM), -1.0, 1.0)}
    if with_attention:  # rows need not sum to 1: W does not change with the scale
        inputs["attention"] = recipe((BATCH, HEADS, tokens, tokens), 0.01, 0.12)
    inputs |= {
        "global.fc1.weight": recipe((FULL, DIM), -0.6, 0.6),
        "global.fc1.bias": recipe((FULL,), -0.2, 0.2),
        "global.fc2.weight": recipe((DIM, FULL), -0.4, 0.4),
        "global.fc2.bias": recipe((DIM,), -0.2, 0.2),
        "centre.fc1.weight": recipe((HIDDEN, DIM), -0.8, 0.8),
        "centre.fc1.bias": recipe((HIDDEN,), -0.2, 0.2),
        "centre.fc2.weight": recipe((DIM, HIDDEN), -0.8, 0.8),
        "centre.fc2.bias": recipe((DIM,), -0.2, 0.2),
        "regional.fc1.weight": recipe((k, DIM, HIDDEN), -0.8, 0.8),
        "regional.fc1.bias": recipe((k, HIDDEN), -0.2, 0.2),
        "regional.fc2.weight": recipe((k, HIDDEN, DIM), -0.8, 0.8),
        "regional.fc2.bias": recipe((k, DIM), -0.2, 0.2),
        "cotangent": recipe((BATCH, tokens, DIM), -1.0, 1.0),
    }
    t = make(inputs, torch.float64)
    cotangent = t.pop("cotangent")
    for value in t.values():
        value.requires_grad_(True)
    z, w, routed = block(t, grid, prefix, top_k, lambda1, lambda2)
    (z * cotangent).sum().backward()
    parts, centre = regions(*grid)
    print("W", [[round(v, 3) for v in row] for row in w.tolist()])
    write(GOLDEN, f"remoe_{name}.json", {
        "rows": rows, "cols": cols, "gridRows": grid_rows, "gridCols": grid_cols, "prefix": prefix,
        "topK": top_k, "lambda1": lambda1, "lambda2": lambda2,
        "regions": parts, "centre": centre,
        "inputs": inputs,
        "Z": packed(z), "W": packed(w), "routed": packed(routed),
        "gradients": {key: packed(value.grad) for key, value in t.items()},
    })


if __name__ == "__main__":
    golden("dense", (4, 4, 2, 2), prefix=1, top_k=4, lambda1=0.7, lambda2=1.3)
    golden("top2", (4, 4, 2, 2), prefix=1, top_k=2)
    golden("uneven", (5, 3, 2, 2), prefix=0, top_k=4)
    golden("no_attention", (5, 3, 2, 2), prefix=0, top_k=4, with_attention=False)
