"""Parts of an image resized by torchvision with Pillow, as RandomResizedCrop does for a given part.

Run `python resized_crop.py` in this folder; it writes ../resources/golden/resized_crop.json.
"""

import numpy as np
from PIL import Image
from torchvision.transforms import InterpolationMode
from torchvision.transforms.functional import resized_crop

from golden import GOLDEN, recipe, values, write

ROWS, COLUMNS = 37, 53
IMAGE = recipe((3, ROWS, COLUMNS), 0.0, 256.0)
# top, left, height, width and the size that the part is resized to
PARTS = [
    (0, 0, 37, 53, 9, 9),
    (5, 11, 20, 17, 8, 8),
    (30, 40, 7, 13, 10, 10),
    (12, 3, 1, 50, 6, 6),
    (3, 7, 12, 12, 12, 12),
]


def golden():
    numbers = values("image", 3 * ROWS * COLUMNS, IMAGE["low"], IMAGE["high"])
    image = Image.fromarray(
        np.floor(numbers).astype(np.uint8).reshape(3, ROWS, COLUMNS).transpose(1, 2, 0))
    parts = []
    for top, left, height, width, rows, columns in PARTS:
        part = resized_crop(
            image, top, left, height, width, [rows, columns], InterpolationMode.BICUBIC)
        pixels = np.asarray(part).transpose(2, 0, 1).flatten().tolist()
        parts.append({"part": [top, left, height, width], "size": [rows, columns], "pixels": pixels})
    write(GOLDEN, "resized_crop.json", {"inputs": {"image": IMAGE}, "parts": parts})


if __name__ == "__main__":
    golden()
