#!/usr/bin/env python3
"""Writes tests/unit/data_image_golden.h: small files of every picture format, and the pixels that PIL
gives for them (convert("RGB")). Needs numpy and pillow; made with Pillow 13.0."""
import io, struct, sys, zlib
import numpy as np
from PIL import Image

rng = np.random.default_rng(7)
H, W = 7, 9
y, x = np.mgrid[0:H, 0:W]
smooth = np.stack([x * 25 + y * 3, 255 - y * 30, (x * y * 5) % 256], -1)
pixels = np.clip(smooth + rng.integers(-20, 20, (H, W, 3)), 0, 255).astype(np.uint8)
picture = Image.fromarray(pixels)
cases = []


def add(name, image=None, channels=3, data=None, expected=None, **options):
    if data is None:
        file = io.BytesIO()
        image.save(file, **options)
        data = file.getvalue()
    if expected is None:
        expected = np.array(Image.open(io.BytesIO(data)).convert('RGB'))
    cases.append((name, channels, data, expected.astype(np.uint8)))


def png(width, height, bits, kind, rows):
    """A PNG that PIL cannot write: 16-bit and Adam7-interlaced ones."""
    def chunk(tag, body):
        return struct.pack('>I', len(body)) + tag + body + struct.pack('>I', zlib.crc32(tag + body))
    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    raw = b''
    if rows.ndim == 3 and bits == 8:
        for x0, y0, dx, dy in passes:
            part = rows[y0::dy, x0::dx]
            if part.size:
                raw += b''.join(b'\0' + row.tobytes() for row in part)
        interlace = 1
    else:
        raw = b''.join(b'\0' + row.astype('>u2').tobytes() for row in rows)
        interlace = 0
    return (b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', width, height, bits, kind, 0, 0, interlace))
            + chunk(b'IDAT', zlib.compress(raw)) + chunk(b'IEND', b''))


grey = picture.convert('L')
alpha = picture.convert('RGBA')
alpha.putalpha(Image.fromarray(rng.integers(0, 256, (H, W), dtype=np.uint8)))
palette = picture.convert('P', palette=Image.ADAPTIVE, colors=12)
add('jpeg 4:2:0', picture, format='JPEG', quality=75, subsampling=2)
add('jpeg 4:4:4', picture, format='JPEG', quality=90, subsampling=0)
add('jpeg progressive', picture, format='JPEG', quality=80, progressive=True)
add('jpeg grey', grey, 1, format='JPEG')
add('jpeg cmyk', picture.convert('CMYK'), format='JPEG', quality=95)
add('png rgb', picture, format='PNG')
add('png grey', grey, 1, format='PNG')
add('png 1 bit', picture.convert('1'), 1, format='PNG')
add('png grey and alpha', grey.convert('LA'), 1, format='PNG')
add('png rgb and alpha', alpha, format='PNG')
add('png palette', palette, format='PNG', bits=4)
add('png palette with transparency', palette, format='PNG', transparency=3)
add('png rgb with transparency', picture, format='PNG', transparency=tuple(int(v) for v in pixels[0, 0]))
deep = rng.integers(0, 65536, (H, W * 3))
add('png 16 bit rgb', data=png(W, H, 16, 2, deep))
deep = rng.integers(0, 65536, (H, W))
# PIL clips 16-bit grey at 255; the high byte is what the file shows.
add('png 16 bit grey', None, 1, data=png(W, H, 16, 0, deep),
    expected=np.repeat((deep >> 8)[..., None], 3, -1))
add('png interlaced', data=png(W, H, 8, 2, pixels))
add('bmp 24 bit', picture, format='BMP')
add('bmp 8 bit grey', grey, 1, format='BMP')
add('bmp 8 bit palette', palette, format='BMP')
add('bmp 1 bit', picture.convert('1'), 1, format='BMP')
add('bmp 32 bit', alpha, format='BMP')
add('ppm', picture, format='PPM')
add('pgm', grey, 1, format='PPM')
add('ppm plain, white 100', data=b'P3 # as text\n3 2\n100\n' + b' '.join(b'%d' % v for v in range(0, 90, 5)))
add('webp lossless', picture, format='WEBP', lossless=True)
add('webp lossy with alpha', alpha, format='WEBP', quality=80)

with open(sys.argv[1], 'w') as out:
    out.write('/* Made by tests/golden/data_images.py; do not edit. Bytes are in hexadecimal. */\n')
    out.write('static const struct golden_image {\n    const char *name;\n    int channels, width, height;\n'
              '    const char *file, *rgb;\n} golden_images[] = {\n')
    def text(data):
        digits = data.hex()
        return '\n'.join('      "%s"' % digits[i:i + 88] for i in range(0, len(digits), 88))
    for name, channels, data, expected in cases:
        out.write('    { "%s", %d, %d, %d,\n%s,\n%s },\n' % (
            name, channels, expected.shape[1], expected.shape[0], text(data), text(expected.tobytes())))
    out.write('};\n')
