#!/usr/bin/env python3
"""Golden views for tests/unit/augment_golden.c: torchvision's results (PIL for geometry, float tensors
for colour and blur) with explicit parameters, on made-up pictures.

    python augment.py augment.bin        needs numpy, torch, torchvision, pillow

Little endian. "AUGMENT1", int32 pictures, int32 cases. A picture: int32 width, height, channels, bytes
[height, width, channels]. A case: int32[20] picture, size, bicubic, left, top, width, height, resized
width, resized height, window left, window top, shift x, shift y, flip, jitter, gray, gray first, blur
taps, solarize, channels; int32 order[4]; double brightness, contrast, saturation, hue, sigma; bytes
[channels, size, size], rounded.
"""
import struct, sys
import numpy as np, torch
from PIL import Image
import torchvision.transforms.functional as F

generator = np.random.default_rng(5)

def made_up(width, height, channels):
    """Waves of colour, some noise, a saturated patch and a grey one."""
    y, x = np.mgrid[0:height, 0:width] / max(width, height)
    planes = []
    for c in range(channels):
        a, b, phase = generator.uniform(2, 14, 3)
        planes.append(127 + 120 * np.sin(a * x + b * y + phase))
    picture = np.stack(planes, 2) + generator.normal(0, 18, (height, width, channels))
    picture[:height // 5, :width // 4] = generator.choice([0, 255], channels)
    picture[-height // 6:, -width // 3:] = 90
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)

def picture_of(array):
    return Image.fromarray(array[:, :, 0] if array.shape[2] == 1 else array)

CHANGES = [F.adjust_brightness, F.adjust_contrast, F.adjust_saturation, F.adjust_hue]

def case(index, size, box=None, bicubic=0, centre=0, shift=(0, 0), flip=0, order=None, factor=(1, 1, 1, 0), gray=0,
         gray_first=0, sigma=0., taps=3, solarize=0):
    array = pictures[index]
    height, width, channels = array.shape
    left, top, w, h = box or (0, 0, width, height)
    mode = F.InterpolationMode.BICUBIC if bicubic else F.InterpolationMode.BILINEAR
    picture = picture_of(array)
    if centre:
        picture = F.resize(picture, centre, mode)
        resized = picture.size
        picture = F.center_crop(picture, [size, size])
        window = int(round((resized[0] - size) / 2.)), int(round((resized[1] - size) / 2.))
    else:
        resized, window = (size, size), (0, 0)
        picture = F.resized_crop(picture, top, left, h, w, [size, size], mode)
    if flip:
        picture = F.hflip(picture)
    if shift != (0, 0):
        p = max(abs(shift[0]), abs(shift[1]))
        picture = F.crop(F.pad(picture, p), p - shift[1], p - shift[0], size, size)
    view = F.to_tensor(picture)
    if gray and gray_first:
        view = F.rgb_to_grayscale(view, channels)
    for k in order or ():
        if factor[k] != (1, 1, 1, 0)[k]:
            view = CHANGES[k](view, factor[k])
    if gray and not gray_first:
        view = F.rgb_to_grayscale(view, channels)
    if sigma:
        view = F.gaussian_blur(view, [taps, taps], [sigma, sigma])
    if solarize:
        view = F.solarize(view, 128 / 255)
    numbers = [index, size, bicubic, left, top, w, h, *resized, *window, *shift, flip, int(order is not None), gray,
               gray_first, taps, solarize, channels, *(order or (0, 1, 2, 3))]
    return struct.pack('<24i5d', *numbers, *factor, sigma) + (view * 255).round().to(torch.uint8).numpy().tobytes()

pictures = [made_up(32, 32, 3), made_up(48, 40, 3), made_up(32, 32, 1), made_up(131, 90, 3), made_up(9, 70, 3)]
cases = []
for bicubic in (0, 1):
    for box in ((0, 0, 32, 32), (3, 5, 20, 11), (0, 0, 9, 10), (31, 31, 1, 1), (10, 2, 17, 30), (7, 0, 25, 32)):
        cases.append(case(0, 32, box, bicubic))
    cases.append(case(0, 17, (1, 2, 30, 29), bicubic, flip=1))
    cases.append(case(1, 32, (5, 3, 41, 36), bicubic, flip=1))
    cases.append(case(2, 32, (3, 5, 20, 11), bicubic))
    cases.append(case(3, 32, (0, 0, 131, 90), bicubic))
    cases.append(case(3, 24, (20, 7, 101, 80), bicubic, flip=1))
    cases.append(case(3, 50, (40, 20, 60, 35), bicubic))
    cases.append(case(4, 20, (0, 10, 9, 12), bicubic))
    cases.append(case(3, 28, bicubic=bicubic, centre=32))
    cases.append(case(3, 33, bicubic=bicubic, centre=40))
    cases.append(case(4, 16, bicubic=bicubic, centre=16))
for index in (0, 2):
    cases.append(case(index, 32, shift=(3, -4)))
    cases.append(case(index, 32, shift=(-1, 2), flip=1))
    for f in (0., .3, .7, 1., 1.4, 1.8):
        for k in range(3):
            if index == 0 or k < 2:
                factor = [1., 1., 1., 0.]
                factor[k] = f
                cases.append(case(index, 32, order=(0, 1, 2, 3), factor=factor))
    cases.append(case(index, 32, gray=1))
    cases.append(case(index, 32, solarize=1))
    for sigma, taps in ((.1, 3), (.5, 3), (1.3, 3), (.9, 5), (2., 9), (2., 23)):
        cases.append(case(index, 32, sigma=sigma, taps=taps))
    cases.append(case(index, 17, (2, 2, 25, 20), sigma=1.1, taps=5))
for turn in (-.5, -.31, -.1, -.02, .05, .1, .2, .4, .5):
    cases.append(case(0, 32, order=(0, 1, 2, 3), factor=(1, 1, 1, turn)))
for n in range(16):
    order = [int(k) for k in generator.permutation(4)]
    factor = [*(float(f) for f in generator.uniform(.2, 1.8, 3)), float(generator.uniform(-.2, .2))]
    box = (int(generator.integers(0, 12)), int(generator.integers(0, 12)), int(generator.integers(8, 36)), int(generator.integers(8, 28)))
    cases.append(case(1, 32, box, n % 2, flip=n // 2 % 2, order=order, factor=factor, gray=int(n % 5 == 4), gray_first=int(n == 4),
                      sigma=float(generator.uniform(.1, 2)) if n % 3 == 0 else 0., taps=5, solarize=int(n % 4 == 3)))

with open(sys.argv[1], 'wb') as file:
    file.write(b'AUGMENT1' + struct.pack('<2i', len(pictures), len(cases)))
    for array in pictures:
        height, width, channels = array.shape
        file.write(struct.pack('<3i', width, height, channels) + array.tobytes())
    for bytes_of_case in cases:
        file.write(bytes_of_case)
print(len(cases), 'cases')
