"""Runs the official AutoAttack (Croce and Hein 2020) in PyTorch, on the CPU, on a model of ours.

The classifier is built from its description and weights; the attacks are the official code's own, which --autoattack
names the folder of. Writes `ready`, waits for a line, and prints one line of JSON: after each attack the seconds it took
and the images that still stand. With --oracle it only measures what asking the classifier costs.
"""

import argparse
import json
import statistics
import sys
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from torch_networks import ResNet18  # noqa: E402


class Cnn(nn.Module):
    """Convolutions and dense layers with ReLUs, a list of layers like that of `kind: cnn`."""

    def __init__(self, layers, shape):
        super().__init__()
        side, _, channels = shape
        self.steps, convolutions, dense = [], 0, 0
        for layer in layers:
            kind = layer["kind"]
            if kind == "conv":
                convolutions += 1
                name = f"conv{convolutions}"
                stride, padding = layer["stride"], layer["padding"]
                setattr(self, name, nn.Conv2d(channels, layer["channels"], layer["kernel"], stride, padding))
                side, channels = (side + 2 * padding - layer["kernel"]) // stride + 1, layer["channels"]
                self.steps.append(name)
            elif kind == "dense":
                dense += 1
                units = layer.get("units", 10)
                setattr(self, f"fc{dense}", nn.Linear(channels, units))
                channels = units
                self.steps.append(f"fc{dense}")
            elif kind in ("relu", "flatten"):
                if kind == "flatten":
                    channels *= side * side
                self.steps.append(kind)
            else:
                raise SystemExit(f"Expected conv, dense, relu and flatten, got {layer}.")

    def forward(self, x):
        for step in self.steps:
            if step == "relu":
                x = F.relu(x)
            else:
                x = x.flatten(1) if step == "flatten" else getattr(self, step)(x)
        return x


class Classifier(nn.Module):
    """A network on pixels in [0, 1], in a memory format of its own."""

    def __init__(self, description, layout):
        super().__init__()
        config = description["network"]
        if config["kind"] == "resnet18":
            network = ResNet18(config["widths"])
        elif config["kind"] == "cnn":
            network = Cnn(config["layers"], description["shape"])
        else:
            raise SystemExit(f"Expected resnet18 or cnn, got {config}.")
        network.load_state_dict(load_file(description["weights"]), strict=True)
        self.network, self.layout = network.to(memory_format=layout), layout
        normalization = description["normalization"]
        for key in ("mean", "std"):
            self.register_buffer(key, torch.tensor(normalization[key], dtype=torch.float32).reshape(1, -1, 1, 1))

    def forward(self, x):
        return self.network(((x - self.mean) / self.std).contiguous(memory_format=self.layout))


def microseconds(ask, images, seconds):
    ask(images)
    taken = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(taken) < 3:
        begin = time.perf_counter()
        ask(images)
        taken.append(time.perf_counter() - begin)
    return statistics.median(taken) * 1e6 / len(images)


def measure_oracle(classifier, images, labels, seconds):
    def forward(x):
        with torch.no_grad():
            return classifier(x)

    def gradient(x):
        x = x.clone().requires_grad_()
        loss = F.cross_entropy(classifier(x), labels[: len(x)], reduction="sum")
        return torch.autograd.grad(loss, x)[0]

    return {
        "forwardUs": microseconds(forward, images, seconds / 2),
        "gradientUs": microseconds(gradient, images, seconds / 2),
    }


def attack(classifier, images, labels, options):
    from autoattack import AutoAttack
    from autoattack import autoattack as code

    adversary = AutoAttack(
        classifier, norm=options.norm, eps=options.eps, seed=0, version="standard", device="cpu", verbose=False
    )
    adversary.attacks_to_run = options.attacks.split(",")
    if options.steps is not None:
        adversary.apgd.n_iter = adversary.apgd_targeted.n_iter = adversary.fab.n_iter = options.steps
    if options.square_queries is not None:
        adversary.square.n_queries = options.square_queries
    attacks, clean = [], []

    class Noting(code.EvaluationState):
        """Notes the time when the clean accuracy is known and whenever an attack has ended."""

        def add_run_attack(self, name):
            super().add_run_attack(name)
            now = time.perf_counter()
            attacks.append({"name": name, "seconds": now - clean[-1][1], "standing": int(self.robust_flags.sum())})
            clean.append((None, now))

        @property
        def clean_accuracy(self):
            return self._clean_accuracy

        @clean_accuracy.setter
        def clean_accuracy(self, accuracy):
            self._clean_accuracy = accuracy
            clean.append((int(self.robust_flags.sum()), time.perf_counter()))

    code.EvaluationState = Noting
    begin = time.perf_counter()
    adversary.run_standard_evaluation(images, labels, bs=options.batch)
    return {"seconds": time.perf_counter() - begin, "clean": clean[0][0], "attacks": attacks}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True, help="description of the model, in JSON")
    parser.add_argument("--images", required=True, help="safetensors with images and labels")
    parser.add_argument("--autoattack", required=True, help="folder that holds the package autoattack")
    parser.add_argument("--norm", default="Linf")
    parser.add_argument("--eps", type=float, default=0.3)
    parser.add_argument("--attacks", default="apgd-ce,apgd-t,fab-t,square")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--square-queries", type=int)
    parser.add_argument("--batch", type=int, default=250, help="images at a time; 250 is the official default")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--format", choices=["contiguous", "channels_last"], default="contiguous")
    parser.add_argument("--oracle", action="store_true")
    parser.add_argument("--seconds", type=float, default=3)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    sys.path.insert(0, options.autoattack)
    layout = torch.channels_last if options.format == "channels_last" else torch.contiguous_format
    classifier = Classifier(json.loads(options.model), layout).eval()
    for parameter in classifier.parameters():
        parameter.requires_grad_(False)
    tensors = load_file(options.images)
    # The file holds channels last.
    images, labels = tensors["images"].permute(0, 3, 1, 2).contiguous(), tensors["labels"].long()
    print("ready", flush=True)
    sys.stdin.readline()
    if options.oracle:
        result = measure_oracle(classifier, images[: options.batch], labels, options.seconds)
    else:
        result = attack(classifier, images, labels, options)
    print(json.dumps(result), flush=True)


main()
