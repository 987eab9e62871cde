#!/usr/bin/env python3
"""The independent witness for whole training steps: losses, gradients, updated weights and running statistics from PyTorch.

    python step.py              writes step_conv4.bin, step_resnet18.bin and step_resnet50.bin beside this script
    python step.py --check      recomputes and compares with the stored files (relative 1e-9)
    python step.py --noise      also runs every case in f32 and prints how far f32 is from the stored numbers, the honest tolerance

Neither weights nor pictures are stored: both sides compute them.

    value(name, i): u = splitmix64(fnv1a64(name) + i) (mod 2^64), uniform = (u >> 11) * 2^-53 in [0,1)
      fnv1a64: offset 0xCBF29CE484222325, prime 0x100000001B3, over the name's bytes
      splitmix64(x): x += 0x9E3779B97F4A7C15; z = (x ^ x>>30) * 0xBF58476D1CE4E5B9; z = (z ^ z>>27) * 0x94D049BB133111EB; z ^ z>>31
    convolution and linear weights   (2 uniform - 1) * sqrt(6 / fan_in), fan_in = product of all dims but the first
    batch-norm weight                1 + 0.2 (2 uniform - 1);   every bias: 0.1 (2 uniform - 1);   running mean 0, variance 1
    pictures [8,3,32,32]             2 uniform - 1, named step0.view0 step0.view1 step1.view0 step1.view1
Computed in double, rounded to f32, and from there on everything is double. i counts row-major in PyTorch's layout.

step_conv4.bin: conv4 (3x3 conv p1 without bias, BN, ReLU, max-pool 2; 32-64-128-256; global mean), projector Linear(256,512, no
bias)-BN-ReLU-Linear(512,128); each view passes separately, view 0 first (batch norm in 2 groups, running values taken in turn).
step_resnet18.bin: torchvision's resnet18 with conv1 3x3 s1 p1 and no max-pool, projector Linear(512,512)-ReLU-Linear(512,128), both
with bias; both views in one pass, view 0's rows first (batch norm in 1 group).
Both: NT-Xent, temperature .5, mean over the 16 rows (row i's partner is row (i + 8) mod 16); SGD lr .1, momentum .9, weight decay
5e-4 on every parameter; two steps on two batches. Batch norm: eps 1e-5, momentum .1, running variance unbiased.
step_resnet50.bin: torchvision's resnet50 as it is (7x7 stem, max-pool 3 s2 p1), fc = identity, one training-mode pass of pictures
"step0.view0" [4,3,64,64]; loss.0 = sum(features * direction) / 4 with direction = 2 uniform - 1 named "direction" [4,2048] (f32);
no update of the weights. Records: loss.0, z.0 (the features), gradient.*, and updated.*.running_* after this one pass.

File, little-endian, packed: bytes[8] "TACITSTP", u32 number of records; per record u32 name length, name, u32 rank, i64 dims[rank],
f64 l2 norm, f64 sum, u32 samples, then samples x (u64 flat index, f64 value). The k-th sample lies at splitmix64(k) % size, k = 0..31
(so small tensors repeat). Records, in this order:
    loss.0 loss.1        the loss of each step (rank 0)
    z.0                  the projector's output in step 0, before normalisation, [16,128], view 0's rows first
    gradient.NAME        gradient of loss.0 (without weight decay), NAME = "backbone.…" or "projector.…" as in PyTorch's state_dict
    updated.NAME         after both steps: parameters and running_mean / running_var
conv4's names: backbone.layer{1..4}.{conv.weight,bn.*}; projector: fc1.weight, fc1.bias (resnet18), bn1.* (conv4), fc2.weight, fc2.bias.

How near f32 can come (PyTorch's own f32 against these numbers; a sample's error is measured in root mean squares, norm / sqrt(size)).
A ReLU or max-pool that rounding flips moves single gradients of a deep network far more than rounding itself, so judge
  conv4: everything within 1e-4;
  resnet18: loss, z and the norms of updated.* 1e-4, samples of updated.* and norms of gradient.* 1e-3, samples of gradient.* 1e-2;
  resnet50: loss and the norms of z and updated.* 1e-4, samples of z and updated.* 1e-3, gradient.* norms 1e-2, samples 1e-1.
Half of resnet18's gradients agree within 1e-5, so the median over the tensors may be held to 1e-4. In double everything agrees to 1e-9 (conv4 is small enough for a slow reference).
"""
import os
import struct
import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torchvision

MASK = (1 << 64) - 1
BATCH, TEMPERATURE, SAMPLES = 8, 0.5, 32


def fnv1a64(name):
    state = 0xCBF29CE484222325
    for byte in name.encode():
        state = (state ^ byte) * 0x100000001B3 & MASK
    return state


def splitmix64(x):
    """Of an array of u64; wraps by itself."""
    x = x + np.uint64(0x9E3779B97F4A7C15)
    z = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def signed(name, shape):
    """2 uniform - 1, in double."""
    counter = np.arange(int(np.prod(shape)), dtype=np.uint64) + np.uint64(fnv1a64(name))
    uniform = (splitmix64(counter) >> np.uint64(11)).astype(np.float64) * 2.0 ** -53
    return (2 * uniform - 1).reshape(shape)


def rounded(array, dtype):
    return torch.from_numpy(array.astype(np.float32)).to(dtype)


def fill(module, prefix, dtype):
    """Sets every parameter of the module by the formula."""
    module.to(dtype)
    for name, parameter in module.named_parameters():
        value = signed(f'{prefix}.{name}', tuple(parameter.shape))
        if parameter.dim() > 1:
            value = value * np.sqrt(6 / np.prod(parameter.shape[1:]))
        elif name.endswith('weight'):
            value = 1 + 0.2 * value
        else:
            value = 0.1 * value
        parameter.data.copy_(rounded(value, dtype))
    return module


class Block(nn.Module):
    def __init__(self, before, after):
        super().__init__()
        self.conv, self.bn = nn.Conv2d(before, after, 3, 1, 1, bias=False), nn.BatchNorm2d(after)

    def forward(self, x):
        return F.max_pool2d(F.relu(self.bn(self.conv(x))), 2)


class Conv4(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer1, self.layer2, self.layer3, self.layer4 = Block(3, 32), Block(32, 64), Block(64, 128), Block(128, 256)

    def forward(self, x):
        return self.layer4(self.layer3(self.layer2(self.layer1(x)))).mean((2, 3))


class Projector(nn.Module):
    def __init__(self, inputs, hidden, outputs, normalise):
        super().__init__()
        self.fc1 = nn.Linear(inputs, hidden, bias=not normalise)
        if normalise:
            self.bn1 = nn.BatchNorm1d(hidden)
        self.fc2 = nn.Linear(hidden, outputs)

    def forward(self, x):
        x = self.fc1(x)
        return self.fc2(F.relu(self.bn1(x) if hasattr(self, 'bn1') else x))


def resnet18():
    network = torchvision.models.resnet18()
    network.conv1, network.maxpool, network.fc = nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.Identity(), nn.Identity()
    return network


def nt_xent(z):
    rows = len(z)
    unit = F.normalize(z, dim=1)
    logits = (unit @ unit.t() / TEMPERATURE).masked_fill(torch.eye(rows, dtype=torch.bool), -1e9)
    return F.cross_entropy(logits, torch.arange(rows).roll(rows // 2))


def tensors_of(modules, buffers):
    """(name, tensor) of parameters, and of running statistics where asked, in state_dict order."""
    for prefix, module in modules.items():
        parameters = dict(module.named_parameters())
        for name, tensor in module.state_dict(keep_vars=True).items():
            if name in parameters or (buffers and 'running' in name):
                yield f'{prefix}.{name}', tensor


def simclr(modules, groups, dtype):
    """Two SimCLR steps; returns {record name: tensor}."""
    for prefix, module in modules.items():
        fill(module, prefix, dtype).train()
    records = {}
    parameters = [p for module in modules.values() for p in module.parameters()]
    optimiser = torch.optim.SGD(parameters, lr=0.1, momentum=0.9, weight_decay=5e-4)
    losses = []
    for step in range(2):
        views = [rounded(signed(f'step{step}.view{v}', (BATCH, 3, 32, 32)), dtype) for v in range(2)]
        passes = views if groups == 2 else [torch.cat(views)]
        z = torch.cat([modules['projector'](modules['backbone'](x)) for x in passes])
        loss = nt_xent(z)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        losses.append(loss.detach().clone())
        if step == 0:
            records['z.0'] = z.detach().clone()
            records.update({f'gradient.{n}': p.grad.clone() for n, p in tensors_of(modules, False)})
        optimiser.step()
    records.update({f'updated.{n}': t.detach().clone() for n, t in tensors_of(modules, True)})
    return {'loss.0': losses[0], 'loss.1': losses[1], **records}


def conv4_step(dtype):
    return simclr({'backbone': Conv4(), 'projector': Projector(256, 512, 128, True)}, 2, dtype)


def resnet18_step(dtype):
    return simclr({'backbone': resnet18(), 'projector': Projector(512, 512, 128, False)}, 1, dtype)


def resnet50_pass(dtype):
    network = torchvision.models.resnet50()
    network.fc = nn.Identity()
    fill(network, 'backbone', dtype).train()
    features = network(rounded(signed('step0.view0', (4, 3, 64, 64)), dtype))
    loss = (features * rounded(signed('direction', (4, 2048)), dtype)).sum() / 4
    loss.backward()
    modules = {'backbone': network}
    return {'loss.0': loss.detach(), 'z.0': features.detach(),
            **{f'gradient.{n}': p.grad for n, p in tensors_of(modules, False)},
            **{f'updated.{n}': t for n, t in tensors_of(modules, True) if 'running' in n}}


CASES = {'step_conv4': conv4_step, 'step_resnet18': resnet18_step, 'step_resnet50': resnet50_pass}


def digest(tensor):
    """What is kept of a tensor: dims, norm, sum, sampled indices and values."""
    flat = tensor.double().reshape(-1).numpy()
    index = splitmix64(np.arange(SAMPLES, dtype=np.uint64)) % np.uint64(flat.size)
    return tuple(tensor.shape), float(np.sqrt((flat * flat).sum())), float(flat.sum()), index, flat[index.astype(np.int64)]


def pack(records):
    parts = [b'TACITSTP', struct.pack('<I', len(records))]
    for name, tensor in records.items():
        shape, norm, total, index, value = digest(tensor)
        text = name.encode()
        parts += [struct.pack('<I', len(text)), text, struct.pack(f'<I{len(shape)}q', len(shape), *shape),
                  struct.pack('<ddI', norm, total, SAMPLES)]
        parts += [struct.pack('<Qd', int(i), float(v)) for i, v in zip(index, value)]
    return b''.join(parts)


def unpack(data):
    assert data[:8] == b'TACITSTP'
    position, result = 8, {}

    def take(form):
        nonlocal position
        values = struct.unpack_from('<' + form, data, position)
        position += struct.calcsize('<' + form)
        return values

    for _ in range(take('I')[0]):
        name = take(f'{take("I")[0]}s')[0].decode()
        shape = take(f'{take("I")[0]}q')
        norm, total, samples = take('ddI')
        pairs = [take('Qd') for _ in range(samples)]
        result[name] = shape, norm, total, np.array([p[0] for p in pairs]), np.array([p[1] for p in pairs])
    assert position == len(data)
    return result


def distance(a, b, size):
    """Largest relative difference of norm and samples; a sample's scale is the tensor's root mean square."""
    scale = max(a[1], 1e-300)
    return max(abs(a[1] - b[1]) / scale, float(np.abs(a[4] - b[4]).max()) / (scale / np.sqrt(size)))


def main():
    # oneDNN would add nothing in double; one way of summing keeps the files stable from run to run.
    torch.set_num_threads(2)
    folder = os.path.dirname(os.path.abspath(__file__))
    for name, case in CASES.items():
        path = os.path.join(folder, name + '.bin')
        data = pack(case(torch.float64))
        if '--check' in sys.argv:
            stored, fresh = unpack(open(path, 'rb').read()), unpack(data)
            assert stored.keys() == fresh.keys()
            for key in stored:
                assert distance(stored[key], fresh[key], np.prod(fresh[key][0])) < 1e-9, (name, key)
            print(name, 'agrees')
        else:
            open(path, 'wb').write(data)
        fresh = unpack(data)
        print(name, len(fresh), 'records', len(data), 'bytes', 'losses', *(fresh[k][4][0] for k in fresh if k.startswith('loss')))
        if '--noise' in sys.argv:
            single = unpack(pack(case(torch.float32)))
            worst = sorted(((distance(fresh[k], single[k], np.prod(fresh[k][0])), k) for k in fresh), reverse=True)
            for far, key in worst[:4]:
                print(f'  f32 is {far:.1e} of the rms away: {key} (norm {fresh[key][1]:.3e})')
            for kind in ('loss', 'z', 'gradient', 'updated'):
                norms = [abs(fresh[k][1] - single[k][1]) / max(fresh[k][1], 1e-300) for k in fresh if k.startswith(kind + '.')]
                samples = [far for far, k in worst if k.startswith(kind + '.')]
                print(f'  {kind}.*: norms at most {max(norms):.1e}, samples at most {max(samples):.1e}, median {np.median(samples):.1e}')


if __name__ == '__main__':
    main()
