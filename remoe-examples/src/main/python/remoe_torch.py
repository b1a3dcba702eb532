"""ReMoE in plain PyTorch on timm's vision transformer, with the region losses.

Shapes: B images, T tokens (the class token, then N patches), width D, H heads, K regions.
"""

import math
from functools import partial

import torch
import torch.nn.functional as F
from timm.layers import Attention, Mlp
from timm.models.vision_transformer import Block, VisionTransformer
from torch import nn


class ClassAttention(Attention):
    """timm's attention, which also tells how much the class token attends to each token (B,T)."""

    def forward(self, x):
        batch, tokens, _ = x.shape
        qkv = self.qkv(x).reshape(batch, tokens, 3, self.num_heads, self.head_dim)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        # The gate reads only the class token's row of the probabilities, so the whole of them need
        # not be there, and the attention itself stays fused.
        scores = (q[:, :, :1] * self.scale) @ k.transpose(-2, -1)
        class_row = scores.softmax(dim=-1).mean(dim=1).squeeze(1)
        x = F.scaled_dot_product_attention(q, k, v)
        return self.proj(x.transpose(1, 2).reshape(batch, tokens, self.attn_dim)), class_row


class StackedLinear(nn.Module):
    """K linear layers in one batched product: (K,M,in) to (K,M,out)."""

    def __init__(self, count, in_features, out_features):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(count, out_features, in_features))
        self.bias = nn.Parameter(torch.zeros(count, out_features))
        nn.init.trunc_normal_(self.weight, std=0.02)

    def forward(self, x):
        return torch.baddbmm(self.bias.unsqueeze(1), x, self.weight.transpose(1, 2))


class RegionalExperts(nn.Module):
    """K bottleneck networks, each over the tokens of its own region (K,M,D)."""

    def __init__(self, count, dim, hidden):
        super().__init__()
        self.fc1 = StackedLinear(count, dim, hidden)
        self.fc2 = StackedLinear(count, hidden, dim)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x)))


class ReMoE(nn.Module):
    """Tokens (B,T,D) and the class token's attention (B,T) to tokens and region weights (B,K).

    The patch grid is `side` x `side`; `ratio` is the hidden width of the centre and regional
    experts as a fraction of D. Whatever else timm's Block passes keeps its default.
    """

    def __init__(self, in_features, hidden_features, side, rows, columns, top_k, ratio, **_):
        super().__init__()
        if side % rows or side % columns:
            raise ValueError(f"{rows} x {columns} regions do not divide {side} x {side} patches "
                             "evenly, which this module needs.")
        bottleneck = max(1, math.floor(ratio * in_features + 0.5))
        self.side, self.rows, self.columns, self.top_k = side, rows, columns, top_k
        self.global_expert = Mlp(in_features, hidden_features)
        self.center_expert = Mlp(in_features, bottleneck)
        self.regional_experts = RegionalExperts(rows * columns, in_features, bottleneck)
        length = math.ceil(side / 2)
        self.center = slice((side - length) // 2, (side - length) // 2 + length)

    def regions(self, patches):
        """A view of patches (B,N,...) as (B,rows,height,columns,width,...)."""
        shape = (self.rows, self.side // self.rows, self.columns, self.side // self.columns)
        return patches.unflatten(1, shape)

    def middle(self, patches):
        """A view of the centre region's patches (B,height,width,...)."""
        return patches.unflatten(1, (self.side, self.side))[:, self.center, self.center]

    def gate(self, class_row):
        """Region weights (B,K) with mean 1: the mean attention that each region receives."""
        received = self.regions(class_row[:, 1:]).mean(dim=(2, 4)).flatten(1) + 1e-12
        return received / received.mean(dim=1, keepdim=True)

    def route(self, weights):
        """The largest weights of each image, rescaled to mean 1, the others 0."""
        if self.top_k == weights.shape[1]:
            return weights
        smallest_kept = weights.detach().topk(self.top_k, dim=1).values[:, -1:]
        kept = weights * (weights >= smallest_kept)
        return kept / kept.mean(dim=1, keepdim=True)

    def regional(self, patches):
        """The regional experts' outputs (B,rows,height,columns,width,D), not yet weighed."""
        inputs = self.regions(patches).permute(1, 3, 0, 2, 4, 5)
        stacked = inputs.reshape(self.rows * self.columns, -1, inputs.shape[-1])
        outputs = self.regional_experts(stacked).view(inputs.shape)
        return outputs.permute(2, 0, 3, 1, 4, 5)

    def forward(self, tokens, class_row):
        weights = self.gate(class_row)
        patches = tokens[:, 1:]
        z = self.global_expert(tokens)

        routed = self.route(weights).view(-1, self.rows, 1, self.columns, 1, 1)
        self.regions(z[:, 1:]).addcmul_(routed, self.regional(patches))
        self.middle(z[:, 1:]).add_(self.center_expert(self.middle(patches)))
        return z, weights


class ReMoELayer(Block):
    """timm's encoder block with ReMoE for its feed-forward network."""

    def __init__(self, dim, num_heads, **remoe):
        super().__init__(dim, num_heads, qkv_bias=True,
                         attn_layer=ClassAttention, mlp_layer=partial(ReMoE, **remoe))

    def forward(self, x):
        attended, class_row = self.attn(self.norm1(x))
        x = x + attended
        update, weights = self.mlp(self.norm2(x), class_row)
        return x + update, weights


class ReMoEVisionTransformer(VisionTransformer):
    """timm's vision transformer with ReMoE in some layers, counted from 1."""

    def __init__(self, layers, rows, columns, top_k, ratio, **sizes):
        super().__init__(**sizes)
        side = self.patch_embed.grid_size[0]
        for layer in layers:
            self.blocks[layer - 1] = ReMoELayer(
                self.embed_dim, sizes["num_heads"], side=side, rows=rows, columns=columns,
                top_k=top_k, ratio=ratio)

    def forward_with_regions(self, images):
        """Logits (B,C), and the region weights (B,K) of every ReMoE layer."""
        x = self._pos_embed(self.patch_embed(images))
        weights = []
        for block in self.blocks:
            x = block(x)
            if isinstance(block, ReMoELayer):
                x, layer_weights = x
                weights.append(layer_weights)
        return self.forward_head(self.norm(x)), weights

    def forward(self, images):
        return self.forward_with_regions(images)[0]


class PixelClassifier(nn.Module):
    """A network behind its normalisation, so that attacks live in pixel space."""

    def __init__(self, network, mean, std):
        super().__init__()
        self.network = network
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1))

    def forward(self, pixels):
        return self.network((pixels - self.mean) / self.std)

    def forward_with_regions(self, pixels):
        return self.network.forward_with_regions((pixels - self.mean) / self.std)


def clean_weight(clean, adversarial, beta=0.5):
    """beta~ (B) from region weights (L,B,K) of L layers: less where the attack moves them."""
    with torch.no_grad():
        distance = torch.linalg.vector_norm(clean - adversarial, dim=2).mean(dim=0)
        gamma = torch.exp(-distance / (distance.max() + 1e-8))
        return beta * gamma / (beta * gamma + 1 - beta)


def alignment(clean, adversarial):
    """The region alignment loss of region weights (L,B,K)."""

    def norm(x):
        return x.square().sum(dim=2, keepdim=True).add(1e-12).sqrt()

    chord = norm(clean / norm(clean) - adversarial / norm(adversarial))
    angle = 2 * torch.asin(chord / 2)
    return -torch.log(1 - angle / math.pi + 1e-6).mean()


def sat_loss(model, clean, adversarial, labels, lambda_align=1.0):
    """The loss of standard adversarial training with both region losses."""
    clean_logits, clean_regions = model.forward_with_regions(clean)
    logits, regions = model.forward_with_regions(adversarial)
    clean_regions, regions = torch.stack(clean_regions), torch.stack(regions)

    beta = clean_weight(clean_regions, regions)
    robust = (beta * F.cross_entropy(clean_logits, labels, reduction="none")
              + (1 - beta) * F.cross_entropy(logits, labels, reduction="none"))
    return robust.mean() + lambda_align * alignment(clean_regions, regions)
