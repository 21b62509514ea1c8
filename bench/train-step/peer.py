"""Times one training step of the published procedure in PyTorch, on the CPU.

Each image goes through the network once for each of its T targets, in one batch of images x T; the input gradient of
the target's log-softmax is taken with create_graph=True, compared with the target gradient, and everything is
differentiated again (Ganz, Kawar and Elad 2023). torch.compile does not differentiate twice, so it is not used.
Prints one line of JSON; the first step warms up. The loss that both programs must agree on is computed before it, with
one backward pass per target: in a repeated batch, the statistics of a batch norm join the gradients of all targets.
"""

import argparse
import json
import resource
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


class Block(nn.Module):
    def __init__(self, width, heads, mlp):
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.fc1 = nn.Linear(width, mlp)
        self.fc2 = nn.Linear(mlp, width)

    def attend(self, x):
        batch, tokens, width = x.shape
        split = self.qkv(x).view(batch, tokens, 3, self.heads, width // self.heads)
        q, k, v = split.permute(2, 0, 3, 1, 4)
        # Written out: the fused attention of the CPU has no second derivative.
        weights = (q @ k.transpose(-1, -2) * (width // self.heads) ** -0.5).softmax(-1)
        return self.proj((weights @ v).transpose(1, 2).reshape(batch, tokens, width))

    def forward(self, x):
        x = x + self.attend(self.norm1(x))
        return x + self.fc2(F.gelu(self.fc1(self.norm2(x))))


class VisionTransformer(nn.Module):
    def __init__(self, patch, width, depth, heads, mlp):
        super().__init__()
        self.cls = nn.Parameter(torch.zeros(1, 1, width))
        self.pos = nn.Parameter(torch.zeros(1, 1 + (32 // patch) ** 2, width))
        self.patch = nn.Conv2d(3, width, patch, patch)
        self.blocks = nn.Sequential(*[Block(width, heads, mlp) for _ in range(depth)])
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.head = nn.Linear(width, 10)

    def forward(self, x):
        tokens = self.patch(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(len(x), -1, -1), tokens], 1) + self.pos
        return self.head(self.norm(self.blocks(x))[:, 0])


def make_network(config):
    if config["kind"] == "resnet18":
        return ResNet18(config["widths"])
    if config["kind"] == "vit" and config["activation"] == "gelu" and config["dropout"] == 0:
        return VisionTransformer(*(config[key] for key in ("patch", "width", "depth", "heads", "mlp")))
    raise SystemExit(f"Expected resnet18, or vit with gelu and without dropout, got {config}.")


def step(network, optimizer, x, labels, targets, gradients, weight):
    """One step on repeated images: x, labels, targets and gradients have one row per (image, target)."""
    images = len(x) // (int(targets.max()) + 1)
    x = x.clone(memory_format=torch.preserve_format).requires_grad_(True)
    logits = network(x)
    chosen = F.log_softmax(logits, 1).gather(1, targets[:, None])
    (found,) = torch.autograd.grad(chosen.sum(), x, create_graph=True)
    cosines = F.cosine_similarity(found.flatten(1), gradients, dim=1)
    loss = F.cross_entropy(logits, labels) + weight * (1 - cosines).sum() / images
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    return loss.item()


def loss_by_target(network, x, labels, gradients, weight):
    """The loss at x [images, ...] with target gradients [targets, images, values], each target by itself."""
    x = x.clone(memory_format=torch.preserve_format).requires_grad_(True)
    logits = network(x)
    loss = F.cross_entropy(logits, labels).item()
    for chosen, wanted in zip(F.log_softmax(logits, 1).unbind(1), gradients):
        (found,) = torch.autograd.grad(chosen.sum(), x, retain_graph=True)
        loss += weight * (1 - F.cosine_similarity(found.flatten(1), wanted, dim=1)).mean().item()
    return loss


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", required=True, help="file of case.ts")
    parser.add_argument("--network", required=True, help="its configuration in JSON")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--format", choices=["contiguous", "channels_last"], default="contiguous")
    parser.add_argument("--lambda", type=float, required=True, dest="weight")
    parser.add_argument("--learning-rate", type=float, required=True)
    parser.add_argument("--momentum", type=float, required=True)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)

    tensors = load_file(options.case)
    layout = torch.channels_last if options.format == "channels_last" else torch.contiguous_format
    network = make_network(json.loads(options.network))
    weights = {name[6:]: t for name, t in tensors.items() if name.startswith("model.")}
    network.load_state_dict(weights, strict=True)
    network = network.to(memory_format=layout).train()
    optimizer = torch.optim.SGD(network.parameters(), lr=options.learning_rate, momentum=options.momentum)

    # The file holds channels last.
    x = tensors["x"].permute(0, 3, 1, 2).contiguous(memory_format=layout)
    gradients = tensors["gradients"].permute(0, 1, 4, 2, 3).flatten(2)
    labels = tensors["labels"].long()
    count, images = gradients.shape[:2]
    first = loss_by_target(network, x, labels, gradients, options.weight)

    # The rows of an image's targets follow each other.
    x = x.repeat_interleave(count, 0).contiguous(memory_format=layout)
    gradients = gradients.transpose(0, 1).flatten(0, 1).contiguous()
    labels = labels.repeat_interleave(count)
    targets = torch.arange(count).repeat(images)
    seconds = []
    for _ in range(1 + options.steps):
        begin = time.perf_counter()
        step(network, optimizer, x, labels, targets, gradients, options.weight)
        seconds.append(time.perf_counter() - begin)
    result = {
        "pairsPerSec": images * count / statistics.median(seconds[1:]),
        "peakBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "firstLoss": first,
    }
    print(json.dumps(result))


main()
