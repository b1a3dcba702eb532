"""CIFAR-10 as torchvision gives it to a training loop, read from the binary files."""

import numpy as np
from PIL import Image
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

RECORD = 1 + 3 * 32 * 32


class Cifar10(Dataset):
    """PIL images through a transform, like torchvision.datasets.CIFAR10."""

    def __init__(self, folder, transform):
        files = sorted(folder.glob("data_batch_*.bin"))
        if not files:
            raise ValueError(f"{folder} holds no data_batch_*.bin of CIFAR-10.")
        records = np.concatenate([self.read(file) for file in files])
        self.labels = records[:, 0].tolist()
        images = records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
        self.images = np.ascontiguousarray(images)
        self.transform = transform

    @staticmethod
    def read(file):
        data = np.fromfile(file, dtype=np.uint8)
        if data.size == 0 or data.size % RECORD:
            raise ValueError(f"{file} has {data.size} bytes, not a multiple of {RECORD}.")
        return data.reshape(-1, RECORD)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        return self.transform(Image.fromarray(self.images[index])), self.labels[index]


def loader(folder, batch):
    augmentation = transforms.Compose([
        transforms.RandomCrop(32, padding=4),
        transforms.RandomHorizontalFlip(),
        transforms.ToTensor(),
    ])
    return DataLoader(Cifar10(folder, augmentation), batch_size=batch, shuffle=True,
                      num_workers=2, persistent_workers=True)
