"""The work of every row of the benchmark, as a PyTorch user writes it."""

import json
import platform
import time
from importlib import metadata
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from timm.models.vision_transformer import VisionTransformer

from remoe_torch import PixelClassifier, ReMoEVisionTransformer, sat_loss

LIBRARIES = ("torch", "timm", "torchvision", "torchattacks", "autoattack", "numpy", "safetensors")
EPSILON = 8 / 255


def installed_versions():
    found = {"Python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            pass  # the row that needs it says so
    return found


def build(network):
    sizes = {
        "img_size": network["imageSize"], "patch_size": network["patchSize"],
        "embed_dim": network["embedDim"], "depth": network["depth"],
        "num_heads": network["numHeads"], "num_classes": network["numClasses"],
    }
    remoe = network.get("remoe")
    if remoe is None:
        return VisionTransformer(**sizes)
    return ReMoEVisionTransformer(
        remoe["layers"], remoe["rows"], remoe["columns"], remoe["topK"],
        remoe["bottleneckRatio"], **sizes)


def load_weights(vit, path):
    tensors = load_file(path)
    expected = vit.state_dict()
    for name, tensor in expected.items():
        if name not in tensors:
            raise ValueError(f"{path} has no tensor {name}, which the network needs.")
        if tensors[name].shape != tensor.shape:
            raise ValueError(f"{name} is {tuple(tensors[name].shape)} in {path}, but the network "
                             f"needs {tuple(tensor.shape)}.")
    unknown = sorted(tensors.keys() - expected.keys())
    if unknown:
        raise ValueError(f"{path} has tensors that the network lacks: {', '.join(unknown)}.")
    vit.load_state_dict(tensors)


def load_inputs(path, image_size):
    tensors = load_file(path)
    for name in ("images", "labels", "shifted"):
        if name not in tensors:
            raise ValueError(f"{path} has no tensor {name}.")
    count = len(tensors["labels"])
    for name, shape in (("images", (count, 3, image_size, image_size)), ("labels", (count,)),
                        ("shifted", (count, 3, image_size, image_size))):
        if tuple(tensors[name].shape) != shape:
            raise ValueError(
                f"{name} is {tuple(tensors[name].shape)} in {path}, expected {shape}.")
    return tensors


class Bench:
    """One network with its inputs, and the rows that can be run with it."""

    def __init__(self, network, weights, inputs, threads, device):
        torch.set_num_threads(threads)
        self.device = torch.device(device)
        self.network = network
        vit = build(network)
        load_weights(vit, weights)
        self.model = PixelClassifier(vit, network["mean"], network["std"]).to(self.device).eval()
        self.tensors = {name: tensor.to(self.device)
                        for name, tensor in load_inputs(inputs, network["imageSize"]).items()}
        self.rows = {
            "inference": self.inference, "pgd-step": self.pgd_step, "sat-step": self.sat_step,
            "evaluation": self.evaluation, "autoattack": self.auto_attack,
            "data": self.data,
        }
        self.prepared = {}

    def facts(self):
        cuda = self.device.type == "cuda"
        name = torch.cuda.get_device_name(self.device) if cuda else str(self.device)
        return {"versions": installed_versions(), "device": name}

    def first(self, name, count):
        tensor = self.tensors[name]
        if count > len(tensor):
            raise ValueError(f"The row takes {count} images, the inputs hold {len(tensor)}.")
        return tensor[:count]

    def check(self, batch):
        """What both sides of the benchmark must agree on."""
        images, labels = self.first("images", batch), self.first("labels", batch)
        shifted = self.first("shifted", batch)
        self.model.eval()
        with torch.inference_mode():
            if self.network.get("remoe"):
                logits, regions = self.model.forward_with_regions(images)
            else:
                logits, regions = self.model(images), []

        self.model.train().requires_grad_(True)
        loss = self.training_loss(images, shifted, labels, bool(regions))
        loss.backward()
        norm = torch.nn.utils.get_total_norm([p.grad for p in self.model.parameters()])
        self.model.eval().zero_grad()
        return {
            "logits": logits.tolist(), "regionWeights": [w.tolist() for w in regions],
            "loss": loss.item(), "gradientNorm": norm.item(),
        }

    def training_loss(self, clean, adversarial, labels, region_losses):
        if region_losses:
            return sat_loss(self.model, clean, adversarial, labels)
        return F.cross_entropy(self.model(adversarial), labels)

    def run(self, request):
        """Seconds of a row's work, and its result; what prepares it is not timed."""
        work = self.prepare(request)
        repeat = request.get("repeat", 1)
        self.synchronize()
        start = time.perf_counter()
        for _ in range(repeat):
            result = work()
        self.synchronize()
        return {"seconds": (time.perf_counter() - start) / repeat, "result": result}

    def prepare(self, request):
        row = request["row"]
        if row not in self.rows:
            raise ValueError(f"Unknown row '{row}'. Known rows: {', '.join(self.rows)}.")
        settings = {name: value for name, value in request.items() if name not in ("do", "repeat")}
        key = json.dumps(settings, sort_keys=True)
        if key not in self.prepared:
            self.prepared[key] = self.rows[row](request)
        return self.prepared[key]

    def synchronize(self):
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def inference(self, request):
        images = self.first("images", request["batch"])
        self.model.eval()

        @torch.inference_mode()
        def work():
            self.model(images).cpu()
            return {}

        return work

    def attack(self, steps, epsilon=EPSILON):
        import torchattacks
        return torchattacks.PGD(self.model, eps=epsilon, alpha=epsilon / 4, steps=steps)

    def pgd_step(self, request):
        images, labels = (self.first(name, request["batch"]) for name in ("images", "labels"))
        self.model.eval().requires_grad_(False)
        attack = self.attack(steps=1)

        def work():
            attack(images, labels)
            return {}

        return work

    def sat_step(self, request):
        images, labels = (self.first(name, request["batch"]) for name in ("images", "labels"))
        region_losses = request.get("regionLosses", False)
        self.model.train()
        attack = self.attack(steps=10)
        optimizer = torch.optim.SGD(
            self.model.parameters(), lr=1e-4, momentum=0.9, weight_decay=1e-4, fused=True)

        def work():
            # The attack needs no gradients of parameters; without them the passes keep less.
            self.model.requires_grad_(False)
            adversarial = attack(images, labels)
            self.model.requires_grad_(True)
            optimizer.zero_grad()
            loss = self.training_loss(images, adversarial, labels, region_losses)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            optimizer.step()
            return {"loss": loss.item()}

        return work

    def evaluation(self, request):
        images, labels = (self.first(name, request["images"]) for name in ("images", "labels"))
        self.model.eval().requires_grad_(False)
        attack = self.attack(steps=20, epsilon=request["epsilon"])

        @torch.inference_mode()
        def correct(x, y):
            return (self.model(x).argmax(dim=1) == y).sum()

        def work():
            clean = robust = 0
            for x, y in zip(images.split(request["batch"]), labels.split(request["batch"])):
                clean += correct(x, y)
                robust += correct(attack(x, y), y)
            return {"cleanAccuracy": clean.item() / len(images),
                    "robustAccuracy": robust.item() / len(images)}

        return work

    def auto_attack(self, request):
        from autoattack import AutoAttack
        images, labels = (self.first(name, request["images"]) for name in ("images", "labels"))
        self.model.eval().requires_grad_(False)
        attack = AutoAttack(self.model, norm="Linf", eps=request["epsilon"], version="standard",
                            seed=0, verbose=False, device=str(self.device))

        def work():
            _, predicted = attack.run_standard_evaluation(
                images, labels, bs=request["batch"], return_labels=True)
            return {"robustAccuracy": (predicted == labels).float().mean().item()}

        return work

    def data(self, request):
        from cifar_loader import loader
        batches = loader(Path(request["folder"]), request["batch"])

        def work():
            return {"images": sum(len(labels) for _, labels in batches)}

        work()  # starts the workers, which then stay
        return work
