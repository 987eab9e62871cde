#!/usr/bin/env python3
"""One SimCLR training step in PyTorch, the peer of `tacit pretrain` in bench/run.sh and of bench/step.c.

    python train_step.py resnet18|conv4 VIEWS f32|bf16 [eager|channels-last|compiled] [--steps 6] [--threads N]

resnet18: torchvision's, CIFAR stem (3x3, stride 1, no max-pool), head 512-2048-256, all views in one pass.
conv4: head 256-512-128 with batch norm, one pass a view. Both: NT-Xent at T .5 in f32, SGD with momentum; bf16 is
autocast over network and head. Without a variant, each runs in a process of its own and the fastest is named last.
Prints the best and the median step behind the warm-up (views/s from the best) and the peak memory of the process.
"""
import argparse
import os
import resource
import statistics
import subprocess
import sys
import time

VARIANTS = ('eager', 'channels-last', 'compiled')
WARM_UP = 2


def arguments():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument('network', choices=('resnet18', 'conv4'))
    parser.add_argument('views', type=int)
    parser.add_argument('precision', choices=('f32', 'bf16'))
    parser.add_argument('variant', nargs='?', choices=VARIANTS)
    parser.add_argument('--steps', type=int, default=6)
    parser.add_argument('--threads', type=int, default=len(os.sched_getaffinity(0)))
    return parser.parse_args()


def resnet18(nn):
    import torchvision
    network = torchvision.models.resnet18()
    network.conv1 = nn.Conv2d(3, 64, kernel_size=3, padding=1, bias=False)
    network.maxpool = nn.Identity()
    network.fc = nn.Sequential(nn.Linear(512, 2048), nn.ReLU(), nn.Linear(2048, 256))
    return network


def conv4(nn):
    widths = (3, 32, 64, 128, 256)
    blocks = [nn.Sequential(nn.Conv2d(i, o, 3, padding=1, bias=False), nn.BatchNorm2d(o), nn.ReLU(), nn.MaxPool2d(2))
              for i, o in zip(widths, widths[1:])]
    head = (nn.Linear(256, 512, bias=False), nn.BatchNorm1d(512), nn.ReLU(), nn.Linear(512, 128))
    return nn.Sequential(*blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), *head)


def measure(asked, variant):
    import torch
    from torch import nn
    import torch.nn.functional as F
    torch.manual_seed(0)
    torch.set_num_threads(asked.threads)
    network = {'resnet18': resnet18, 'conv4': conv4}[asked.network](nn)
    passes = list(torch.randn(asked.views, 3, 32, 32).chunk(2 if asked.network == 'conv4' else 1))
    if variant == 'channels-last':
        network = network.to(memory_format=torch.channels_last)
        passes = [views.to(memory_format=torch.channels_last) for views in passes]
    embed = torch.compile(network) if variant == 'compiled' else network
    optimiser = torch.optim.SGD(network.parameters(), lr=.1, momentum=.9, weight_decay=1e-4)
    itself = torch.eye(asked.views, dtype=torch.bool)
    partner = torch.arange(asked.views).roll(asked.views // 2)

    def step():
        with torch.autocast('cpu', dtype=torch.bfloat16, enabled=asked.precision == 'bf16'):
            z = [embed(views) for views in passes]
        z = F.normalize(torch.cat(z).float(), dim=1)
        loss = F.cross_entropy((z @ z.T / .5).masked_fill(itself, -1e9), partner)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        return loss.item()

    seconds = []
    for _ in range(WARM_UP + asked.steps):
        start = time.perf_counter()
        loss = step()
        seconds.append(time.perf_counter() - start)
    steady = seconds[WARM_UP:]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(f'torch {torch.__version__} {asked.network} {asked.precision} {variant}: first {seconds[0]:.1f} s, '
          f'best {1e3 * min(steady):.1f} ms, median {1e3 * statistics.median(steady):.1f} ms, '
          f'{asked.views / min(steady):.1f} views/s, loss {loss:.4f}, peak {peak / 1e6:.0f} MB, '
          f'{asked.threads} threads', flush=True)


def measure_all(asked):
    lines = []
    for variant in VARIANTS:
        words = [sys.executable, __file__, asked.network, str(asked.views), asked.precision, variant,
                 '--steps', str(asked.steps), '--threads', str(asked.threads)]
        done = subprocess.run(words, capture_output=True, text=True)
        if done.returncode:
            why = done.stderr.strip().splitlines()[-1:] or ['no word']
            print(f'{variant}: does not run here ({why[0]})', file=sys.stderr)
        else:
            lines.append(done.stdout.strip())
            print(lines[-1], flush=True)
    if not lines:
        sys.exit('no variant runs here')
    print('fastest:', max(lines, key=lambda line: float(line.split(' views/s')[0].split()[-1])))


asked = arguments()
if asked.views < 4 or asked.views % 2 or asked.steps < 1:
    sys.exit('VIEWS is even and at least 4, --steps at least 1')
if asked.variant:
    measure(asked, asked.variant)
else:
    measure_all(asked)
