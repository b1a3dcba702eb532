"""auto-attack's Square Attack: its schedule, window sizes and patterns, and how often it succeeds.

auto-attack is not on PyPI:
`pip install git+https://github.com/fra31/auto-attack@a39220048b3c9f2cca9a4d3a54604793c68eca7e`.
Run `python square.py` in this folder; it writes ../resources/golden/square.json in some minutes.

Random numbers differ between Python and Java, so of whole attacks the file keeps two statistics per
norm and budget: the share of images that become misclassified, and the mean of the smallest margin
found (with its standard error). Every trial attacks one image alone with a seed of its own:
auto-attack shares the windows' places among a batch, which would tie its trials to each other.
"""

import torch
from autoattack.square import SquareAttack

from attacks import WEIGHTS, Tiny
from golden import GOLDEN, make, packed, recipe, rounded, write

IMAGES = {"square": recipe((16, 3, 8, 8), 0.0, 1.0)}
SEEDS = 40
# Norm, epsilon, queries. A small epsilon leaves most images right: there the margin tells.
TRIALS = [
    ("Linf", 0.02, 30), ("Linf", 0.03, 100), ("Linf", 0.04, 300), ("Linf", 0.015, 300),
    ("L2", 0.25, 30), ("L2", 0.3, 100), ("L2", 0.35, 300), ("L2", 0.15, 300),
]


def attack(model, norm, eps, queries, **settings):
    settings = {"resc_schedule": False} | settings
    return SquareAttack(model, norm=norm, eps=eps, n_queries=queries, **settings)


def schedule(queries, rescale):
    """[first query, p] wherever p changes from query 0 to 10000."""
    square = attack(None, "Linf", 0.1, queries, resc_schedule=rescale)
    changes = []
    for query in range(10001):
        p = square.p_selection(query)
        if not changes or changes[-1][1] != p:
            changes.append([query, p])
    return changes


def side(norm, height, width, p):
    """The side of the one window of a run with one query, as the range of its corner shows it."""
    square = attack(lambda x: torch.tensor([[1.0, 0.0]]), norm, 0.1, 1)
    square.p_selection = lambda _query: p
    ranges = []
    draw = square.random_int
    square.random_int = lambda low=0, high=1, shape=[1]: (ranges.append(high), draw(low, high))[1]
    square.init_hyperparam(torch.zeros(1, 3, height, width))
    square.attack_single_run(torch.full((1, 3, height, width), 0.5), torch.tensor([0]))
    assert width - ranges[1] == height - ranges[0]
    return height - ranges[0]


def upright(size):
    """eta where it is not transposed: then no row changes its sign."""
    square = attack(None, "L2", 0.1, 1)
    while True:
        eta = square.eta(size)
        if size == 1 or (eta[0].min() > 0 and eta[-1].max() < 0):
            return eta


def start(norm, size):
    """Which rows and columns of a grey square image the start changes: the first and the last."""
    square = attack(lambda x: torch.tensor([[0.0, 1.0]]), norm, 0.1, 1)
    grey = torch.full((1, 3, size, size), 0.5)
    square.init_hyperparam(grey)
    _, points = square.attack_single_run(grey, torch.tensor([0]))
    rows = (points != grey).any(3).any(1)[0].nonzero().flatten()
    columns = (points != grey).any(2).any(1)[0].nonzero().flatten()
    assert (rows == columns).all()
    return [rows[0].item(), rows[-1].item()]


def margins(logits, labels):
    others = logits.scatter(1, labels[:, None], -torch.inf).amax(1)
    return logits.gather(1, labels[:, None])[:, 0] - others


def trials(norm, eps, queries):
    """What is left of the margin of every image, with every seed, alone."""
    model = Tiny(torch.float32).eval()
    images = make(IMAGES, torch.float32)["square"]
    left = []
    with torch.no_grad():
        labels = model(images).argmax(1)
        for seed in range(SEEDS):
            torch.manual_seed(1000 + seed)
            for i in range(len(images)):
                image, label = images[i:i + 1], labels[i:i + 1]
                square = attack(model, norm, eps, queries)
                square.init_hyperparam(image)
                _, point = square.attack_single_run(image, label)
                left.append(margins(model(point), label).item())
    left = torch.tensor(left).reshape(SEEDS, -1)
    wins = (left < 0).float()
    # Where the image is won, the search stops at a margin that says little.
    remaining = left.clamp(min=0)
    error = (remaining.var(0).mean() / left.numel()).sqrt()
    print(f"{norm} {eps} {queries}: {wins.mean():.3f}, margin {remaining.mean():.4f} +- {error:.4f}")
    return {
        "norm": norm.lower(), "epsilon": eps, "queries": queries,
        "rate": rounded(wins.mean().item()), "margin": rounded(remaining.mean().item()),
        "marginError": rounded(error.item()),
    }


def golden():
    torch.set_num_threads(1)
    sizes = [(8, 8), (32, 32), (224, 224), (9, 13), (3, 3), (5, 40)]
    write(GOLDEN, "square.json", {
        "inputs": WEIGHTS | IMAGES,
        "seeds": SEEDS,
        "schedules": [
            {"queries": queries, "rescale": rescale, "changes": schedule(queries, rescale)}
            for queries, rescale in [
                (5000, False), (100, False), (10000, True), (5000, True), (1000, True), (37, True)]
        ],
        "sides": [
            {"norm": norm.lower(), "height": height, "width": width, "p": 0.8 / 2**k,
             "side": side(norm, height, width, 0.8 / 2**k)}
            for norm in ["Linf", "L2"] for height, width in sizes
            if norm == "Linf" or min(height, width) >= 5
            for k in range(10)
        ],
        "patterns": [packed(upright(size)) for size in [1, 2, 3, 4, 5, 6, 7, 9, 15]],
        "starts": [
            {"norm": norm.lower(), "size": size, "changed": start(norm, size)}
            for norm, size in [("Linf", 8), ("L2", 8), ("L2", 16), ("L2", 32), ("L2", 224)]
        ],
        "trials": [trials(*trial) for trial in TRIALS],
    })


if __name__ == "__main__":
    golden()
