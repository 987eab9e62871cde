#!/usr/bin/env python3
"""The independent witness for the engine's ops: values and gradients of every op, from PyTorch in double precision.

    python ops.py            writes ops.bin beside this script
    python ops.py --check    recomputes and compares with the stored file (relative 1e-12)
    python ops.py --list     prints the text line of every case

All inputs and upstream gradients are exactly representable in f32, so that f32 kernels start from the same numbers;
everything after that is double. Ops whose gradient jumps (relu, absolute, maximum, max_pool, ...) get inputs away from the jump.

ops.bin, little-endian, packed (nothing is aligned):

    bytes[8] "TACITOPS"
    u32      number of cases
    per case:
      u32 length, bytes[length]      text line "NAME | INPUTS | NUMBERS", no terminating zero
      u32 n_inputs,  tensor[n_inputs]
      u32 n_outputs, tensor[n_outputs]        (1 everywhere today)
      tensor                         upstream gradient of output 0 (also where no input has a gradient; then unused)
      per input: u8 flag; if 1 a tensor of the input's shape: the gradient of sum(output 0 * upstream)
    tensor: u32 rank, i64 dims[rank], f64 data[product of dims], row-major; rank 0 has one number

INPUTS are shapes such as "[2,3,8,8] [4,3,3,3]"; "[5]:7" means integers in [0,7) stored as f64, without a gradient; "[5]+" means
strictly positive values. NUMBERS (perhaps none) go to the op's builder, in this order:

    unary (negate exp log sqrt rsqrt reciprocal square absolute relu gelu gelu_tanh silu tanh sigmoid softplus erf sin cos): none
    add subtract multiply divide maximum minimum power, less less_equal greater greater_equal equal not_equal, select: none
    sum, mean, amax             axes as a bit mask (bit i = axis i), keep (0/1)
    argmax                      axis
    matmul                      transpose_a transpose_b (the last two dims)
    conv2d                      stride_h stride_w pad_h pad_w dil_h dil_w groups      (x [N,C,H,W], w [O,C/groups,kh,kw])
    max_pool, average_pool      kh kw sh sw ph pw       (average counts padding; sizes are rounded down)
    batch_norm                  groups eps              (x, weight, bias; training mode)
    layer_norm                  eps                     (x, weight, bias; last axis)
    l2_normalize                eps                     (last axis; x / max(||x||, eps))
    softmax, log_softmax, global_average_pool, stack_rows, gather, sum_n, cross_entropy: none
    reshape, broadcast_to       the new dims
    permute                     permutation (output axis i is input axis perm[i])
    slice                       axis start stop
    concat                      axis
    pad                         axis before after       (zeros)
    one_hot                     K
    fill_diagonal               value
    rotate                      shift                   (row r goes to row (r + shift) mod R)

Conventions where programs differ: gelu is exact (erf); softplus is ln(1 + e^x) everywhere (torch's own switches to x at 20);
amax shares its gradient evenly between ties; fill_diagonal and clamped l2_normalize rows as torch's; variance in batch_norm and
layer_norm is biased; cross_entropy is one loss a row, in nats.
"""
import os
import struct
import sys
import zlib

import numpy as np
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)

UNARY = {
    'negate': torch.neg, 'exp': torch.exp, 'log': torch.log, 'sqrt': torch.sqrt, 'rsqrt': torch.rsqrt,
    'reciprocal': torch.reciprocal, 'square': torch.square, 'absolute': torch.abs, 'relu': torch.relu,
    'gelu': F.gelu, 'gelu_tanh': lambda x: F.gelu(x, approximate='tanh'), 'silu': F.silu, 'tanh': torch.tanh,
    'sigmoid': torch.sigmoid, 'softplus': lambda x: torch.logaddexp(x, torch.zeros_like(x)), 'erf': torch.erf,
    'sin': torch.sin, 'cos': torch.cos,
}
BINARY = {
    'add': torch.add, 'subtract': torch.sub, 'multiply': torch.mul, 'divide': torch.div,
    'maximum': torch.maximum, 'minimum': torch.minimum, 'power': torch.pow,
}
COMPARISON = {
    'less': torch.lt, 'less_equal': torch.le, 'greater': torch.gt, 'greater_equal': torch.ge,
    'equal': torch.eq, 'not_equal': torch.ne,
}


def axes_of(mask, rank):
    return tuple(axis for axis in range(rank) if mask >> axis & 1)


def reduction(function):
    def apply(x, mask, keep):
        return function(x, axes_of(int(mask), x.dim()), bool(keep))
    return apply


def matmul(a, b, transpose_a, transpose_b):
    return torch.matmul(a.transpose(-1, -2) if transpose_a else a, b.transpose(-1, -2) if transpose_b else b)


def conv2d(x, w, stride_h, stride_w, pad_h, pad_w, dil_h, dil_w, groups):
    return F.conv2d(x, w, None, (stride_h, stride_w), (pad_h, pad_w), (dil_h, dil_w), groups)


def max_pool(x, kh, kw, sh, sw, ph, pw):
    return F.max_pool2d(x, (kh, kw), (sh, sw), (ph, pw))


def average_pool(x, kh, kw, sh, sw, ph, pw):
    return F.avg_pool2d(x, (kh, kw), (sh, sw), (ph, pw), count_include_pad=True)


def batch_norm(x, weight, bias, groups, eps):
    parts = x.chunk(int(groups), 0)
    return torch.cat([F.batch_norm(part, None, None, weight, bias, True, 0.1, eps) for part in parts])


def layer_norm(x, weight, bias, eps):
    return F.layer_norm(x, x.shape[-1:], weight, bias, eps)


def slice_axis(x, axis, start, stop):
    return x.narrow(axis, start, stop - start)


def concat(*inputs_and_axis):
    return torch.cat(inputs_and_axis[:-1], inputs_and_axis[-1])


def pad(x, axis, before, after):
    return F.pad(x, [0, 0] * (x.dim() - 1 - axis) + [before, after])


def fill_diagonal(x, value):
    return x.masked_fill(torch.eye(x.shape[0], dtype=torch.bool), value)


OPS = {
    **UNARY, **BINARY, **COMPARISON,
    'select': lambda condition, a, b: torch.where(condition != 0, a, b),
    'sum': reduction(lambda x, axes, keep: x.sum(axes, keep)),
    'mean': reduction(lambda x, axes, keep: x.mean(axes, keep)),
    'amax': reduction(lambda x, axes, keep: x.amax(axes, keep)),
    'argmax': lambda x, axis: x.argmax(axis),
    'matmul': matmul, 'conv2d': conv2d, 'max_pool': max_pool, 'average_pool': average_pool,
    'global_average_pool': lambda x: x.mean((2, 3)),
    'batch_norm': batch_norm, 'layer_norm': layer_norm,
    'softmax': lambda x: x.softmax(-1), 'log_softmax': lambda x: x.log_softmax(-1),
    'cross_entropy': lambda logits, target: F.cross_entropy(logits, target.long(), reduction='none'),
    'l2_normalize': lambda x, eps: F.normalize(x, dim=-1, eps=eps),
    'reshape': lambda x, *dims: x.reshape(dims), 'permute': lambda x, *order: x.permute(order),
    'slice': slice_axis, 'concat': concat, 'stack_rows': lambda a, b: torch.cat((a, b)), 'pad': pad,
    'gather': lambda x, index: x[index.long()], 'one_hot': lambda index, k: F.one_hot(index.long(), k),
    'fill_diagonal': fill_diagonal, 'broadcast_to': lambda x, *dims: x.broadcast_to(dims),
    'rotate': lambda x, shift: torch.roll(x, shift, 0), 'sum_n': lambda a, b, c: a + b + c,
}
VALUE_ONLY = set(COMPARISON) | {'argmax', 'one_hot'}

# What the inputs look like besides "normal": by op, or by the tag after '#' in the table below (the tag is not written).
SEPARATED = {'maximum', 'minimum', 'max_pool', 'argmax', 'amax'}  # distinct values, at least 0.01 apart
AWAY_FROM_ZERO = {'relu', 'absolute', 'reciprocal', 'divide'}
ROUNDED = set(COMPARISON)  # halves: equal pairs do occur
TAILS = [-700.0, -90.0, -30.0, -12.0, -6.0, -1e-6, 1e-6, 6.0, 12.0, 30.0, 90.0, 700.0]


def cases():
    for name in UNARY:
        plus = '+' if name in ('log', 'sqrt', 'rsqrt') else ''
        for shape in ('[1]', '[17]', '[3,5,7]'):
            yield f'{name} | {shape}{plus} |'
    for name in ('gelu', 'gelu_tanh', 'silu', 'tanh', 'sigmoid', 'softplus', 'erf', 'relu'):
        yield f'{name} | [12] | #tails'
    for name in BINARY:
        plus = '+' if name == 'power' else ''
        for a, b in (('[1]', '[1]'), ('[13]', '[13]'), ('[2,3,5]', '[3,1]'), ('[4,1]', '[1,7]'), ('[5]', '[3,5]'),
                     ('[2,3,4,5]', '[3,1,1]'), ('[3,4]', '[]'), ('[6,1,3]', '[6,4,1]')):
            yield f'{name} | {a}{plus} {b} |'
    for name in COMPARISON:
        yield f'{name} | [19] [19] |'
        yield f'{name} | [4,1,3] [5,1] |'
    for shapes in ('[11]:2 [11] [11]', '[4,5]:2 [4,5] [4,5]', '[4,1]:2 [4,5] [5]', '[2,3,4]:2 [1] [3,1]'):
        yield f'select | {shapes} |'
    for name in ('sum', 'mean', 'amax'):
        for shape, mask, keep in (('[1]', 1, 0), ('[17]', 1, 0), ('[17]', 1, 1), ('[5,7]', 1, 0), ('[5,7]', 2, 0),
                                  ('[5,7]', 2, 1), ('[5,7]', 3, 0), ('[2,3,4,5]', 0b1101, 0), ('[2,3,4,5]', 0b1100, 1),
                                  ('[2,3,4,5]', 0b0010, 0), ('[2,3,4,5]', 0b1001, 1), ('[2,3,4,5]', 0b1111, 0)):
            yield f'{name} | {shape} | {mask} {keep}'
    yield 'amax | [6,5] | 2 0 #ties'
    yield 'amax | [6,5] | 3 0 #ties'
    for shape, axis in (('[1]', 0), ('[23]', 0), ('[5,7]', 1), ('[5,7]', 0), ('[3,4,5]', 1)):
        yield f'argmax | {shape} | {axis}'
    for a, b, ta, tb in (('[1,1]', '[1,1]', 0, 0), ('[5,7]', '[7,3]', 0, 0), ('[7,5]', '[7,3]', 1, 0),
                         ('[5,7]', '[3,7]', 0, 1), ('[7,5]', '[3,7]', 1, 1), ('[17,33]', '[33,9]', 0, 0),
                         ('[3,4,5]', '[3,5,6]', 0, 0), ('[3,5,4]', '[3,6,5]', 1, 1), ('[3,4,5]', '[1,5,6]', 0, 0),
                         ('[1,4,5]', '[3,6,5]', 0, 1), ('[2,3,4,5]', '[2,3,5,4]', 0, 0), ('[2,3,4,5]', '[2,3,4,5]', 1, 0),
                         ('[2,3,4,5]', '[2,3,4,5]', 0, 1), ('[2,1,4,5]', '[1,3,5,2]', 0, 0), ('[3,4,5]', '[5,6]', 0, 0),
                         ('[3,4,5]', '[6,5]', 0, 1), ('[3,5,4]', '[5,6]', 1, 0)):
        yield f'matmul | {a} {b} | {ta} {tb}'
    for x, w, numbers in (
            ('[2,3,8,8]', '[4,3,3,3]', '1 1 1 1 1 1 1'), ('[2,3,8,8]', '[4,3,3,3]', '2 2 1 1 1 1 1'),
            ('[1,3,7,7]', '[4,3,3,3]', '2 2 1 1 1 1 1'), ('[2,3,5,6]', '[4,3,3,3]', '1 1 0 0 1 1 1'),
            ('[2,5,5,5]', '[3,5,1,1]', '1 1 0 0 1 1 1'), ('[2,5,6,6]', '[3,5,1,1]', '2 2 0 0 1 1 1'),
            ('[2,5,5,7]', '[3,5,1,1]', '2 2 0 0 1 1 1'), ('[1,3,13,13]', '[4,3,7,7]', '2 2 3 3 1 1 1'),
            ('[1,2,9,9]', '[3,2,3,3]', '1 1 2 2 2 2 1'), ('[1,2,11,9]', '[3,2,3,3]', '2 1 1 2 2 3 1'),
            ('[2,4,6,6]', '[6,2,3,3]', '1 1 1 1 1 1 2'), ('[2,6,7,7]', '[6,1,3,3]', '1 1 1 1 1 1 6'),
            ('[2,4,7,7]', '[8,1,3,3]', '2 2 1 1 1 1 4'), ('[2,3,1,19]', '[4,3,1,5]', '1 1 0 2 1 1 1'),
            ('[2,3,1,20]', '[4,3,1,5]', '1 3 0 1 1 1 1'), ('[2,2,9,5]', '[3,2,3,2]', '2 1 1 0 1 1 1'),
            ('[1,2,5,10]', '[3,2,2,4]', '3 4 0 1 1 1 1'), ('[1,3,8,8]', '[5,3,4,4]', '4 4 0 0 1 1 1'),
            ('[1,1,1,1]', '[1,1,1,1]', '1 1 0 0 1 1 1'), ('[1,2,2,2]', '[3,2,3,3]', '1 1 1 1 1 1 1'),
            ('[2,16,6,6]', '[16,16,3,3]', '1 1 1 1 1 1 1'), ('[2,16,5,5]', '[32,16,1,1]', '2 2 0 0 1 1 1')):
        yield f'conv2d | {x} {w} | {numbers}'
    for name in ('max_pool', 'average_pool'):
        for x, numbers in (('[2,3,8,8]', '2 2 2 2 0 0'), ('[2,3,7,9]', '2 2 2 2 0 0'), ('[2,2,9,9]', '3 3 2 2 1 1'),
                           ('[1,2,8,6]', '3 3 2 2 1 1'), ('[1,3,6,7]', '3 2 1 2 1 0'), ('[1,2,5,5]', '3 3 1 1 1 1'),
                           ('[2,3,1,11]', '1 3 1 2 0 1'), ('[1,1,4,4]', '4 4 4 4 0 0'), ('[2,16,6,6]', '2 2 2 2 0 0')):
            yield f'{name} | {x} | {numbers}'
    for x in ('[1,1,1,1]', '[2,3,4,5]', '[3,16,4,4]'):
        yield f'global_average_pool | {x} |'
    for x, c, groups in (('[8,5]', 5, 1), ('[8,5]', 5, 2), ('[12,16]', 16, 4), ('[4,3,5,5]', 3, 1), ('[4,3,5,5]', 3, 2),
                         ('[6,16,3,3]', 16, 1), ('[6,16,3,3]', 16, 2), ('[2,3,4,4]', 3, 2), ('[6,7,1,9]', 7, 3)):
        yield f'batch_norm | {x} [{c}] [{c}] | {groups} 1e-05'
    yield 'batch_norm | [8,5] [5] [5] | 2 0.5'
    for x, c, eps in (('[5,7]', 7, 1e-5), ('[2,3,16]', 16, 1e-6), ('[1,9]', 9, 1e-5), ('[4,6]', 6, 0.5)):
        yield f'layer_norm | {x} [{c}] [{c}] | {eps:g}'
    for name in ('softmax', 'log_softmax'):
        for x in ('[1,1]', '[9]', '[5,7]', '[2,3,17]'):
            yield f'{name} | {x} |'
        yield f'{name} | [4,6] | #large'
    for n, k in ((1, 2), (7, 5), (6, 33)):
        yield f'cross_entropy | [{n},{k}] [{n}]:{k} |'
    yield 'cross_entropy | [5,6] [5]:6 | #large'
    for x, eps in (('[1,1]', '1e-12'), ('[5,17]', '1e-12'), ('[2,3,16]', '1e-12'), ('[9]', '1e-12'), ('[6,4]', '2')):
        yield f'l2_normalize | {x} | {eps}'
    yield 'l2_normalize | [4,5] | 0.5 #zero_row'
    for x, dims in (('[12]', '3 4'), ('[2,3,4]', '6 4'), ('[6,4]', '2 3 2 2'), ('[2,3,5]', '30'), ('[1,5]', '5')):
        yield f'reshape | {x} | {dims}'
    for x, order in (('[3,5]', '1 0'), ('[2,3,4]', '2 0 1'), ('[2,3,4]', '0 2 1'), ('[2,3,4,5]', '0 2 1 3'),
                     ('[2,3,4,5]', '0 2 3 1'), ('[2,3,4,5]', '3 1 0 2')):
        yield f'permute | {x} | {order}'
    for x, numbers in (('[11]', '0 2 7'), ('[6,5]', '0 3 6'), ('[6,5]', '1 0 2'), ('[2,7,3]', '1 2 5'), ('[2,3,4,5]', '2 1 2'),
                       ('[4,3]', '0 0 4')):
        yield f'slice | {x} | {numbers}'
    for shapes, axis in (('[3] [5]', 0), ('[2,3] [4,3]', 0), ('[4,2] [4,5]', 1), ('[2,1,3] [2,4,3] [2,2,3]', 1),
                         ('[1,5] [3,5] [2,5]', 0), ('[2,3,2] [2,3,1] [2,3,4]', 2), ('[2,3,4,4] [2,5,4,4]', 1)):
        yield f'concat | {shapes} | {axis}'
    for a, b in (('[3]', '[3]'), ('[4,5]', '[4,5]'), ('[2,3,4,4]', '[2,3,4,4]'), ('[2,5]', '[3,5]')):
        yield f'stack_rows | {a} {b} |'
    for x, numbers in (('[7]', '0 2 3'), ('[4,5]', '0 0 2'), ('[4,5]', '1 1 0'), ('[2,3,4]', '1 2 1'), ('[2,3,4,5]', '3 1 2')):
        yield f'pad | {x} | {numbers}'
    for x, n, rows in (('[7,3]', 5, 7), ('[4,6]', 9, 4), ('[3,2,4]', 8, 3), ('[5]', 11, 5), ('[1,3]', 4, 1)):
        yield f'gather | {x} [{n}]:{rows} |'
    for n, k in ((1, 1), (9, 4), (6, 11)):
        yield f'one_hot | [{n}]:{k} | {k}'
    for x, value in (('[1,1]', '-1e9'), ('[5,5]', '0'), ('[8,8]', '-1e9'), ('[3,3]', '2.5')):
        yield f'fill_diagonal | {x} | {value}'
    for x, dims in (('[1]', '5'), ('[3,1]', '3 4'), ('[4]', '3 4'), ('[2,1,3]', '2 5 3'), ('[3,1,1]', '2 3 4 4'), ('[]', '2 3')):
        yield f'broadcast_to | {x} | {dims}'
    for x, shift in (('[7]', 3), ('[8]', 4), ('[6,5]', 2), ('[5,2,3]', -1), ('[5,3]', 0), ('[4,3]', 7)):
        yield f'rotate | {x} | {shift}'
    for x in ('[1]', '[13]', '[3,5,2]'):
        yield f'sum_n | {x} {x} {x} |'


def draw(name, tag, spec, position, random):
    """One input as text says, already rounded to f32."""
    kind = ':' if ':' in spec else '+' if spec.endswith('+') else ''
    body = spec.split(':')[0].rstrip('+').strip('[]')
    shape = tuple(int(d) for d in body.split(',')) if body else ()
    size = int(np.prod(shape)) if shape else 1
    if kind == ':':
        return random.randint(0, int(spec.split(':')[1]), size).astype(np.float64).reshape(shape), False
    value = random.standard_normal(size)
    if kind == '+':
        value = np.exp(0.7 * value)
    elif tag == 'tails':
        value = np.array(TAILS)
    elif tag == 'ties':
        value = np.round(value)
    elif tag == 'large':
        value = 200 * value
    elif tag == 'zero_row':
        value[:shape[-1]] = 0
    elif name in ROUNDED:
        value = np.round(2 * value) / 2
    elif name in SEPARATED:
        # The two inputs of maximum lie on different lattices, so they never tie with each other either.
        value = 0.02 * (random.permutation(size) - size // 2) + 0.007 * position + 0.001
        if name in ('maximum', 'minimum'):
            value = 0.02 * np.round(50 * random.standard_normal(size)) + 0.01 * position
    elif name in AWAY_FROM_ZERO:
        value = np.sign(value) * (np.abs(value) + (0.2 if name in ('reciprocal', 'divide') else 2e-3))
    return value.astype(np.float32).astype(np.float64).reshape(shape), name not in VALUE_ONLY


def number(text):
    value = float(text)
    return int(value) if value == int(value) and 'e' not in text and '.' not in text else value


def compute(line):
    line, _, tag = line.partition('#')
    line = line.rstrip()
    name, inputs, numbers = (part.strip() for part in line.split('|'))
    random = np.random.RandomState(zlib.crc32((line + tag).encode()))
    drawn = [draw(name, tag, spec, i, random) for i, spec in enumerate(inputs.split())]
    tensors = [torch.tensor(value, requires_grad=differentiable) for value, differentiable in drawn]
    output = OPS[name](*tensors, *(number(n) for n in numbers.split())).to(torch.float64)
    upstream = torch.tensor(random.standard_normal(tuple(output.shape)) * np.ones(()), dtype=torch.float32).double()
    wanted = [t for t in tensors if t.requires_grad]
    found = iter(torch.autograd.grad(output, wanted, upstream) if wanted else ())
    gradients = [next(found) if t.requires_grad else None for t in tensors]
    for t in [output, *(g for g in gradients if g is not None)]:
        assert torch.isfinite(t).all(), line
    return line, tensors, output, upstream, gradients


def tensor_bytes(tensor):
    array = tensor.detach().contiguous().numpy()
    return struct.pack(f'<I{array.ndim}q', array.ndim, *array.shape) + array.astype('<f8').tobytes()


def case_bytes(line, tensors, output, upstream, gradients):
    text = line.encode()
    parts = [struct.pack('<I', len(text)), text, struct.pack('<I', len(tensors)), *map(tensor_bytes, tensors),
             struct.pack('<I', 1), tensor_bytes(output), tensor_bytes(upstream)]
    for gradient in gradients:
        parts.append(b'\0' if gradient is None else b'\1' + tensor_bytes(gradient))
    return b''.join(parts)


def read(data):
    """The file back as a list of (line, arrays): what a reader in any language has to do."""
    position = 8

    def take(form):
        nonlocal position
        values = struct.unpack_from('<' + form, data, position)
        position += struct.calcsize('<' + form)
        return values if len(values) != 1 else values[0]

    def take_tensor():
        nonlocal position
        rank = take('I')
        shape = struct.unpack_from(f'<{rank}q', data, position)
        position += 8 * rank
        size = int(np.prod(shape)) if rank else 1
        array = np.frombuffer(data, '<f8', size, position).reshape(shape)
        position += 8 * size
        return array

    assert data[:8] == b'TACITOPS'
    result = []
    for _ in range(take('I')):
        length = take('I')
        line = data[position:position + length].decode()
        position += length
        n_inputs = take('I')
        arrays = [take_tensor() for _ in range(n_inputs)]
        arrays += [take_tensor() for _ in range(take('I'))] + [take_tensor()]
        for _ in range(n_inputs):
            if take('B'):
                arrays.append(take_tensor())
        result.append((line, arrays))
    assert position == len(data)
    return result


def main():
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'ops.bin')
    if '--list' in sys.argv:
        print(*(line.partition('#')[0].rstrip() for line in cases()), sep='\n')
        return
    blobs = [case_bytes(*compute(line)) for line in cases()]
    data = b'TACITOPS' + struct.pack('<I', len(blobs)) + b''.join(blobs)
    fresh = read(data)
    print(f'{len(blobs)} cases of {len({line.split(" ")[0] for line, _ in fresh})} ops, {len(data)} bytes')
    if '--check' in sys.argv:
        stored = read(open(path, 'rb').read())
        assert [line for line, _ in stored] == [line for line, _ in fresh]
        for (line, a), (_, b) in zip(stored, fresh):
            for x, y in zip(a, b, strict=True):
                assert np.allclose(x, y, rtol=1e-12, atol=1e-14), line
        print('the stored file agrees')
    else:
        open(path, 'wb').write(data)


if __name__ == '__main__':
    main()
