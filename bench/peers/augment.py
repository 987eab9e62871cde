#!/usr/bin/env python3
"""The other side of bench/augment.c: torchvision on PIL, one thread, pictures in memory.

    python augment.py [simclr-cifar|simclr|byol [SIZE [SECONDS]]]
"""
import sys, time
import numpy as np, torch, torchvision.transforms as T
from PIL import Image

name = sys.argv[1] if len(sys.argv) > 1 else 'simclr-cifar'
size = int(sys.argv[2]) if len(sys.argv) > 2 else 32
seconds = float(sys.argv[3]) if len(sys.argv) > 3 else 5
torch.set_num_threads(1)
torch.manual_seed(0)
BICUBIC = T.InterpolationMode.BICUBIC
blur = T.GaussianBlur(max(3, size // 10 | 1), (.1, 2.))
last = [T.ToTensor(), T.Normalize((.485, .456, .406), (.229, .224, .225))]

def colours(b, c, s, h):
    return [T.RandomHorizontalFlip(), T.RandomApply([T.ColorJitter(b, c, s, h)], p=.8), T.RandomGrayscale(p=.2)]

def both(*steps):
    view = T.Compose([*steps, *last])
    return [view, view]

views = {
    'simclr-cifar': lambda: both(T.RandomResizedCrop(size), *colours(.4, .4, .4, .1)),
    'simclr': lambda: both(T.RandomResizedCrop(size, interpolation=BICUBIC), *colours(.8, .8, .8, .2), T.RandomApply([blur], p=.5)),
    'byol': lambda: [T.Compose([T.RandomResizedCrop(size, interpolation=BICUBIC), *colours(.4, .4, .2, .1),
                                T.RandomApply([blur], p=p), T.RandomSolarize(128, p=q), *last]) for p, q in ((1., 0.), (.1, .2))],
}[name]()
generator = np.random.default_rng(1)
shape, count = ((size, size, 3), 256) if size <= 64 else ((375, 500, 3), 16)
base = np.arange(np.prod(shape)).reshape(shape) // 7
pictures = [Image.fromarray(((base + generator.integers(0, 60, shape)) % 256).astype(np.uint8)) for _ in range(count)]
made, start = 0, time.time()
while time.time() - start < seconds:
    for picture in pictures:
        for view in views:
            view(picture)
            made += 1
rate = made / (time.time() - start)
print(f'{name} at {size} pixels, torchvision on PIL: {rate:.0f} views/s, {1e6 / rate:.0f} us a view')
