"""Times score-based targets in PyTorch, on the CPU, with the loop that our pipeline runs.

For each image noise is drawn; the noisy image goes through the network once for each class and once without one, in
batches that are full across images; the target is (D(x; y) - D(x)) / sigma^2 (Ganz, Kawar and Elad 2023). Writes the
targets of the noisy images of the case to the file of --check, says `ready`, waits for a line, and prints one line of
JSON. The first batch is not counted.
"""

import argparse
import json
import math
import resource
import sys
import time

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import nn


class UnetBlock(nn.Module):
    def __init__(self, inputs, outputs, embedding, groups):
        super().__init__()
        self.norm1 = nn.GroupNorm(groups, inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.emb = nn.Linear(embedding, outputs)
        self.norm2 = nn.GroupNorm(groups, outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.skip = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x, emb):
        h = self.conv1(F.silu(self.norm1(x))) + self.emb(emb)[:, :, None, None]
        return self.skip(x) + self.conv2(F.silu(self.norm2(h)))


class Unet(nn.Module):
    """The network `unet` without attention."""

    def __init__(self, config, colors, classes):
        super().__init__()
        self.patch, channels, groups = config["patch"], config["channels"], config["groups"]
        widths = [channels * m for m in config["multipliers"]]
        embedding = 4 * channels
        self.channels = channels
        self.time1 = nn.Linear(2 * channels + classes, embedding)
        self.time2 = nn.Linear(embedding, embedding)
        self.conv_in = nn.Conv2d(colors * self.patch**2, channels, 3, padding=1)
        down, up, inputs = [], [], channels
        for level, outputs in enumerate(widths):
            for i in range(config["blocks"]):
                down.append((f"{level + 1}.{i + 1}", level, inputs, outputs))
                inputs = outputs
        make = lambda a, b: UnetBlock(a, b, embedding, groups)
        self.middle = make(inputs, inputs)
        self.levels_down = [level for _, level, _, _ in down]
        self.levels_up = self.levels_down[::-1]
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        self.names = {}
        for k, (name, _, a, b) in enumerate(down):
            self.down.append(make(a, b))
            self.names[f"down{name}"] = f"down.{k}"
        for k, (name, _, _, b) in enumerate(down[::-1]):
            self.up.append(make(inputs + b, b))
            self.names[f"up{name}"] = f"up.{k}"
            inputs = b
        self.norm_out = nn.GroupNorm(groups, widths[0])
        self.conv_out = nn.Conv2d(widths[0], colors * self.patch**2, 3, padding=1)
        span = math.log(64) / max(1, channels - 1)
        self.register_buffer("rates", 0.25 * torch.exp(span * torch.arange(channels)), persistent=False)

    def load(self, weights):
        def rename(name):
            for ours, theirs in self.names.items():
                if name.startswith(ours + "."):
                    return theirs + name[len(ours) :]
            return name

        self.load_state_dict({rename(name): t for name, t in weights.items()}, strict=True)

    def fold(self, x):
        p = self.patch
        b, c, h, w = x.shape
        return x.view(b, c, h // p, p, w // p, p).permute(0, 3, 5, 1, 2, 4).reshape(b, p * p * c, h // p, w // p)

    def unfold(self, x):
        p = self.patch
        b, c, h, w = x.shape
        return x.view(b, p, p, c // p**2, h, w).permute(0, 3, 4, 1, 5, 2).reshape(b, c // p**2, h * p, w * p)

    def forward(self, x, noise, one_hot):
        angles = noise[:, None] * self.rates
        sources = torch.cat([angles.sin(), angles.cos(), one_hot * math.sqrt(one_hot.shape[1])], 1)
        emb = F.silu(self.time2(F.silu(self.time1(sources))))
        h, level, skips = self.conv_in(self.fold(x)), 0, []
        for at, block in zip(self.levels_down, self.down):
            while level < at:
                h, level = F.avg_pool2d(h, 2), level + 1
            h = block(h, emb)
            skips.append(h)
        h = self.middle(h, emb)
        for at, block in zip(self.levels_up, self.up):
            while level > at:
                h, level = F.interpolate(h, scale_factor=2), level - 1
            h = block(torch.cat([h, skips.pop()], 1), emb)
        return self.unfold(self.conv_out(F.silu(self.norm_out(h))))


class SongBlock(nn.Module):
    def __init__(self, inputs, outputs, embedding, resample, attends):
        super().__init__()
        groups = lambda c: min(32, c // 4)
        self.resample = resample
        self.norm0 = nn.GroupNorm(groups(inputs), inputs, eps=1e-6)
        self.conv0 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.affine = nn.Linear(embedding, outputs)
        self.norm1 = nn.GroupNorm(groups(outputs), outputs, eps=1e-6)
        self.conv1 = nn.Conv2d(outputs, outputs, 3, padding=1)
        changes = inputs != outputs or resample is not None
        self.skip = nn.Conv2d(inputs, outputs, 1) if changes else None
        self.attends = attends
        if attends:
            self.norm2 = nn.GroupNorm(groups(outputs), outputs, eps=1e-6)
            self.qkv = nn.Conv2d(outputs, 3 * outputs, 1)
            self.proj = nn.Conv2d(outputs, outputs, 1)

    def scale(self, x):
        if self.resample is None:
            return x
        return F.avg_pool2d(x, 2) if self.resample == "down" else F.interpolate(x, scale_factor=2)

    def forward(self, x, emb):
        h = self.conv0(self.scale(F.silu(self.norm0(x)))) + self.affine(emb)[:, :, None, None]
        h = self.conv1(F.silu(self.norm1(h)))
        kept = self.scale(x)
        x = ((kept if self.skip is None else self.skip(kept)) + h) * math.sqrt(0.5)
        if not self.attends:
            return x
        b, c, height, width = x.shape
        # The channels of qkv are [channel, q|k|v]; PyTorch's fused attention is the fastest.
        qkv = self.qkv(self.norm2(x)).reshape(b, c, 3, height * width).permute(2, 0, 3, 1)
        mixed = F.scaled_dot_product_attention(*(part[:, None].contiguous() for part in qkv))
        mixed = mixed[:, 0].transpose(1, 2).reshape(b, c, height, width)
        return (x + self.proj(mixed)) * math.sqrt(0.5)


class SongUnet(nn.Module):
    """DDPM++ as published with EDM: SongUNet with standard encoder and decoder and the filter [1, 1]."""

    def __init__(self, config, side, colors, classes):
        super().__init__()
        channels, blocks, attention = config["channels"], config["blocks"], config["attention"]
        widths = [channels * m for m in config["multipliers"]]
        embedding, width = 4 * channels, channels * config["noiseMultiplier"]
        self.map_label = nn.Linear(classes, width)
        self.map_layer0 = nn.Linear(width, embedding)
        self.map_layer1 = nn.Linear(embedding, embedding)
        rates = 1e-4 ** (torch.arange(width // 2) / (width // 2 - 1))
        self.register_buffer("rates", rates, persistent=False)
        enc, dec = {f"{side}x{side}_conv": nn.Conv2d(colors, channels, 3, padding=1)}, {}
        skips, inputs = [channels], channels
        for level, outputs in enumerate(widths):
            s = side >> level
            if level > 0:
                enc[f"{s}x{s}_down"] = SongBlock(inputs, inputs, embedding, "down", False)
                skips.append(inputs)
            for i in range(blocks):
                enc[f"{s}x{s}_block{i}"] = SongBlock(inputs, outputs, embedding, None, s in attention)
                skips.append(outputs)
                inputs = outputs
        self.takes_skip = set()
        for level in reversed(range(len(widths))):
            s, outputs = side >> level, widths[level]
            if level == len(widths) - 1:
                dec[f"{s}x{s}_in0"] = SongBlock(inputs, inputs, embedding, None, True)
                dec[f"{s}x{s}_in1"] = SongBlock(inputs, inputs, embedding, None, False)
            else:
                dec[f"{s}x{s}_up"] = SongBlock(inputs, inputs, embedding, "up", False)
            for i in range(blocks + 1):
                name, attends = f"{s}x{s}_block{i}", s in attention and i == blocks
                dec[name] = SongBlock(inputs + skips.pop(), outputs, embedding, None, attends)
                self.takes_skip.add(name)
                inputs = outputs
        name = f"{side}x{side}_aux"
        dec[f"{name}_norm"] = nn.GroupNorm(min(32, inputs // 4), inputs, eps=1e-6)
        dec[f"{name}_conv"] = nn.Conv2d(inputs, colors, 3, padding=1)
        self.enc, self.dec = nn.ModuleDict(enc), nn.ModuleDict(dec)

    def load(self, weights):
        self.load_state_dict(weights, strict=True)

    def forward(self, x, noise, one_hot):
        angles = noise[:, None] * self.rates
        emb = torch.cat([angles.sin(), angles.cos()], 1)
        emb = emb + self.map_label(one_hot * math.sqrt(one_hot.shape[1]))
        emb = F.silu(self.map_layer1(F.silu(self.map_layer0(emb))))
        skips = []
        for block in self.enc.values():
            x = block(x, emb) if isinstance(block, SongBlock) else block(x)
            skips.append(x)
        for name, block in self.dec.items():
            if name in self.takes_skip:
                x = torch.cat([x, skips.pop()], 1)
            if isinstance(block, SongBlock):
                x = block(x, emb)
            else:
                x = F.silu(block(x)) if isinstance(block, nn.GroupNorm) else block(x)
        return x


def make_network(config, shape, classes):
    side, _, colors = shape
    if config["kind"] == "unet" and not config["attention"]:
        return Unet(config, colors, classes)
    standard = config.get("encoder") == config.get("decoder") == "standard" and config.get("filter") == [1, 1]
    if config["kind"] == "song-unet" and standard and config["embedding"] == "positional":
        return SongUnet(config, side, colors, classes)
    raise SystemExit(f"Expected unet without attention, or song-unet with the settings of DDPM++, got {config}.")


class Denoiser:
    def __init__(self, network, sigma, sigma_data, layout):
        total = sigma**2 + sigma_data**2
        self.network, self.layout = network, layout
        self.skip, self.out = sigma_data**2 / total, sigma * sigma_data / math.sqrt(total)
        self.inside, self.noise = 1 / math.sqrt(total), math.log(sigma) / 4

    def __call__(self, x, one_hot):
        x = x.contiguous(memory_format=self.layout)
        noise = torch.full((len(x),), self.noise)
        return self.skip * x + self.out * self.network(self.inside * x, noise, one_hot)


def targets(denoiser, noisy, classes, sigma, factor, batch, on_batch=lambda: None):
    """noisy: [images, c, h, w] -> [images, classes, c, h, w], evaluations in full batches across images."""
    asks = classes + 1
    total = len(noisy) * asks
    rows = torch.eye(asks)[:, :classes]
    denoised = torch.empty(total, *noisy.shape[1:])
    for start in range(0, total, batch):
        # The last batch repeats its last row, so that a compiled network meets one shape only.
        index = torch.arange(start, start + batch).clamp_(max=total - 1)
        end = min(start + batch, total)
        denoised[start:end] = denoiser(noisy[index // asks], rows[index % asks])[: end - start]
        on_batch()
    denoised = denoised.view(len(noisy), asks, *noisy.shape[1:])
    return (denoised[:, :-1] - denoised[:, -1:]) * (factor / sigma**2)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", required=True, help="file of case.ts")
    parser.add_argument("--setting", required=True, help="network, shape, sigma and the like, in JSON")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--format", choices=["contiguous", "channels_last"], default="contiguous")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--check", required=True)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    setting = json.loads(options.setting)
    classes, sigma, scale = setting["classes"], setting["sigma"], setting["scale"]

    tensors = load_file(options.case)
    layout = torch.channels_last if options.format == "channels_last" else torch.contiguous_format
    network = make_network(setting["network"], setting["shape"], classes)
    network.load({name[6:]: t for name, t in tensors.items() if name.startswith("model.")})
    network = network.to(memory_format=layout).eval()
    if options.compile:
        network = torch.compile(network)
    denoiser = Denoiser(network, sigma, setting["sigmaData"], layout)
    # The file holds channels last.
    images = tensors["images"].permute(0, 3, 1, 2).contiguous() * scale["factor"] + scale["shift"]
    noisy = tensors["noisy"].permute(0, 3, 1, 2).contiguous()

    with torch.inference_mode():
        found = targets(denoiser, noisy, classes, sigma, scale["factor"], options.batch)
        save_file({"targets": found.permute(0, 1, 3, 4, 2).contiguous()}, options.check)
        # Not counted, as is what compiling costs.
        targets(denoiser, noisy, classes, sigma, 1, options.batch)
        print("ready", flush=True)
        sys.stdin.readline()
        # As many images at a time as fill whole batches.
        at_once = options.batch
        begin, done = time.perf_counter(), 0
        while True:
            index = torch.arange(done, done + at_once) % len(images)
            noisy = images[index] + sigma * torch.randn(at_once, *images.shape[1:])
            evaluated = 0

            def on_batch():
                nonlocal evaluated
                evaluated += options.batch
                if time.perf_counter() - begin > options.seconds:
                    raise TimeoutError

            try:
                targets(denoiser, noisy, classes, sigma, scale["factor"], options.batch, on_batch)
            except TimeoutError:
                break
            done += at_once
        seconds = time.perf_counter() - begin
    rate = (done + evaluated / (classes + 1)) * classes / seconds
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"gradientsPerSec": rate, "peakBytes": peak}), flush=True)


main()
