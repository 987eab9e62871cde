#!/usr/bin/env python3
"""The run of bench/reference.yaml in PyTorch: SimCLR with conv4 on cifar10-jpg, the peer of the conv4 row and of quality.sh.

    python reference.py FOLDER [--epochs 10] [--seed 0] [--threads N] [--workers 2]

FOLDER holds cifar10-jpg.tar.xz with train/CLASS/*.jpg and test/CLASS/*.jpg. Views: torchvision on PIL in worker
processes. Per epoch the mean loss and a weighted kNN score (k 200, T .1, bank: the train pictures); at the end a
linear probe (scikit-learn, C 1, standardised features). Every part is timed for itself.
"""
import argparse
import io
import math
import os
import resource
import tarfile
import time

import numpy
import torch
import torch.nn.functional as F
import torchvision.transforms as T
from PIL import Image
from torch import nn

MEAN, DEVIATION = (.4914, .4822, .4465), (.2470, .2435, .2616)
RATE, WARM_UP, BATCH, TEMPERATURE = .12, 100, 256, .5


def pictures_read(folder):
    """{part: (pictures [N, 32, 32, 3] uint8, labels [N])}; classes in the order of their names."""
    found = {'train': [], 'test': []}
    with tarfile.open(os.path.join(folder, 'cifar10-jpg.tar.xz')) as archive:
        for member in archive:
            words = member.name.split('/')
            if member.isfile() and member.name.endswith('.jpg'):
                picture = Image.open(io.BytesIO(archive.extractfile(member).read())).convert('RGB')
                found['train' if 'train' in words else 'test'].append((words[-2], numpy.asarray(picture)))
    names = sorted({name for name, _ in found['train']})
    return {part: (numpy.stack([picture for _, picture in pairs]), torch.tensor([names.index(name) for name, _ in pairs]))
            for part, pairs in found.items()}


class Views(torch.utils.data.Dataset):
    """Two random views of each picture."""

    def __init__(self, pictures):
        jitter = T.RandomApply([T.ColorJitter(.4, .4, .4, .1)], p=.8)
        self.pictures = pictures
        self.view = T.Compose([T.RandomResizedCrop(32, scale=(.2, 1)), T.RandomHorizontalFlip(), jitter,
                               T.RandomGrayscale(p=.2), T.ToTensor(), T.Normalize(MEAN, DEVIATION)])

    def __len__(self):
        return len(self.pictures)

    def __getitem__(self, index):
        picture = Image.fromarray(self.pictures[index])
        return self.view(picture), self.view(picture)


def conv4():
    layers, widths = [], (3, 32, 64, 128, 256)
    for before, after in zip(widths, widths[1:]):
        convolution = nn.Conv2d(before, after, 3, padding=1, bias=False)
        nn.init.kaiming_normal_(convolution.weight, mode='fan_out', nonlinearity='relu')
        layers += [convolution, nn.BatchNorm2d(after), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten()).to(memory_format=torch.channels_last)


def nt_xent(first, second):
    """Chen et al. 2020, equation 1, over both views of the batch."""
    z = F.normalize(torch.cat([first, second]), dim=1)
    logits = (z @ z.T / TEMPERATURE).fill_diagonal_(-math.inf)
    return F.cross_entropy(logits, torch.arange(len(z)).roll(len(first)))


@torch.no_grad()
def features(network, pictures):
    network.eval()
    mean, deviation = (torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, DEVIATION))
    batches = [network((batch.permute(0, 3, 1, 2) / 255 - mean) / deviation)
               for batch in torch.from_numpy(pictures).split(1000)]
    network.train()
    return torch.cat(batches)


def knn_score(bank, labels, queries, truth, k=200, temperature=.1):
    bank, queries, right = F.normalize(bank, dim=1), F.normalize(queries, dim=1), 0
    for query, answer in zip(queries.split(500), truth.split(500)):
        cosine, index = (query @ bank.T).topk(k)
        votes = torch.zeros(len(query), int(labels.max()) + 1)
        votes.scatter_add_(1, labels[index], (cosine / temperature).exp())
        right += int((votes.argmax(1) == answer).sum())
    return right / len(queries)


def linear_score(bank, labels, queries, truth):
    from sklearn.linear_model import LogisticRegression
    mean, deviation = bank.mean(0), bank.std(0) + 1e-6
    probe = LogisticRegression(C=1, max_iter=300).fit(((bank - mean) / deviation).numpy(), labels.numpy())
    return probe.score(((queries - mean) / deviation).numpy(), truth.numpy())


class Run:
    def __init__(self, asked):
        torch.set_num_threads(asked.threads)
        torch.manual_seed(asked.seed)
        start = time.perf_counter()
        data = pictures_read(asked.folder)
        self.train, self.labels = data['train']
        self.test, self.truth = data['test']
        self.load_seconds = time.perf_counter() - start
        self.network = conv4()
        self.head = nn.Sequential(nn.Linear(256, 512, bias=False), nn.BatchNorm1d(512), nn.ReLU(), nn.Linear(512, 128))
        self.optimiser = torch.optim.SGD([*self.network.parameters(), *self.head.parameters()], lr=RATE, momentum=.9,
                                         weight_decay=5e-4)
        self.loader = torch.utils.data.DataLoader(Views(self.train), batch_size=BATCH, shuffle=True, drop_last=True,
                                                  num_workers=asked.workers, persistent_workers=asked.workers > 0)
        self.steps, self.step = asked.epochs * len(self.loader), 0

    def epoch(self):
        total = 0
        for first, second in self.loader:
            rate = RATE * (1 + math.cos(math.pi * self.step / self.steps)) / 2 * min(1, (self.step + 1) / WARM_UP)
            self.optimiser.param_groups[0]['lr'] = rate
            loss = nt_xent(self.head(self.network(first)), self.head(self.network(second)))
            self.optimiser.zero_grad(set_to_none=True)
            loss.backward()
            self.optimiser.step()
            self.step += 1
            total += loss.item()
        return total / len(self.loader)

    def scored(self, score):
        start = time.perf_counter()
        value = score(features(self.network, self.train), self.labels, features(self.network, self.test), self.truth)
        return value, time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument('folder')
    parser.add_argument('--epochs', type=int, default=10)
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--threads', type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument('--workers', type=int, default=2)
    asked = parser.parse_args()
    run, learning, scoring = Run(asked), 0, 0
    for epoch in range(asked.epochs):
        start = time.perf_counter()
        loss = run.epoch()
        seconds = time.perf_counter() - start
        knn, knn_seconds = run.scored(knn_score)
        learning, scoring = learning + seconds, scoring + knn_seconds
        print(f'epoch {epoch + 1}: loss {loss:.4f}, kNN {knn:.4f}, {seconds:.1f} s and {knn_seconds:.1f} s for kNN', flush=True)
    linear, linear_seconds = run.scored(linear_score)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    worker = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    print(f'torch {torch.__version__} conv4 reference, {asked.epochs} epochs, seed {asked.seed}: kNN {knn:.4f}, linear {linear:.4f}, '
          f'load {run.load_seconds:.1f} s, epoch {learning / asked.epochs:.2f} s, knn {scoring / asked.epochs:.2f} s, '
          f'linear-probe {linear_seconds:.1f} s, whole {run.load_seconds + learning + scoring + linear_seconds:.0f} s, '
          f'peak {peak / 1e6:.0f} MB, worker {worker / 1e6:.0f} MB')


if __name__ == '__main__':
    main()
