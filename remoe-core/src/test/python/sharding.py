"""Which array huggingface_hub puts into which shard.

Run `python sharding.py` in this folder; it writes ../resources/golden/sharding.json.
"""

import torch
from huggingface_hub import split_torch_state_dict_into_shards

from deterministic import GOLDEN, write

# Numbers of each array, and the most bytes of a shard.
CASES = [
    ([1, 2, 10, 1], 12),
    ([10, 1, 2, 10, 10, 1], 12),
    ([1, 2, 3, 4, 5, 6], 24),
    ([3, 3, 3], 12),
    ([3, 4, 3], 12),
    ([1, 1], 3),
    ([2, 2], 16),
    ([4], 1),
    ([1, 0, 5, 0, 1], 4),
]


def case(sizes, limit):
    arrays = {chr(ord("a") + i): torch.zeros(size) for i, size in enumerate(sizes)}
    split = split_torch_state_dict_into_shards(arrays, max_shard_size=limit)
    return {"sizes": sizes, "limit": limit, "files": split.tensor_to_filename}


if __name__ == "__main__":
    write(GOLDEN, "sharding.json", {"cases": [case(*values) for values in CASES]})
