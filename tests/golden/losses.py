#!/usr/bin/env python3
"""Golden values of losses, measures, optimisers and schedules, by numpy in double from their formulas.

    python losses.py            writes losses.txt beside this script
    python losses.py --check    recomputes and compares with the stored file

Where another program knows the answer (torch's optimisers, lightly's NT-Xent, torch's gradients, scikit-learn, mpmath), it is
asked too and must agree before anything is written. losses.txt documents itself.
"""
import math
import os
import sys

import numpy as np

LINES = []
VALUES = {}


def note(text=''):
    LINES.append(f'# {text}' if text else '')


def put(key, value):
    numbers = np.atleast_1d(np.asarray(value, dtype=np.float64)).reshape(-1)
    assert key not in VALUES and np.isfinite(numbers).all(), key
    VALUES[key] = numbers
    LINES.append(f'{key} = ' + ' '.join(repr(float(n)) for n in numbers))


def near(a, b, tolerance=1e-12):
    assert np.allclose(a, b, rtol=tolerance, atol=tolerance), (a, b)


def unit_rows(x):
    return x / np.maximum(np.linalg.norm(x, axis=-1, keepdims=True), 1e-12)


def nt_xent(z, temperature):
    """Loss and gradient with respect to the unnormalised rows; row i's partner is (i + N) mod 2N."""
    rows = len(z)
    unit = unit_rows(z)
    logits = unit @ unit.T / temperature
    np.fill_diagonal(logits, -np.inf)
    top = logits.max(1, keepdims=True)
    log_sum = top[:, 0] + np.log(np.exp(logits - top).sum(1))
    partner = (np.arange(rows) + rows // 2) % rows
    loss = (log_sum - logits[np.arange(rows), partner]).mean()
    g = np.exp(logits - log_sum[:, None])
    g[np.arange(rows), partner] -= 1
    g /= rows
    d_unit = (g + g.T) @ unit / temperature
    d_z = (d_unit - unit * (unit * d_unit).sum(1, keepdims=True)) / np.linalg.norm(z, axis=1, keepdims=True)
    return loss, d_z


def table(rows, columns, phase):
    """A smooth, asymmetrical table of numbers: sin(phase + 1.7 r + 0.9 c + 0.31 r c), rounded to 4 places."""
    r, c = np.mgrid[0:rows, 0:columns]
    return np.round(np.sin(phase + 1.7 * r + 0.9 * c + 0.31 * r * c), 4)


def contrastive():
    import torch
    from lightly.loss import NTXentLoss
    note('NT-Xent (SimCLR), mean over the 2N rows. Closed forms: collapsed = ln(2N-1), also the value at chance; aligned_orthogonal: positives')
    note('identical, everything else orthogonal; simplex: the N pairs at the corners of a simplex, the floor in any dimension (reached if d >= N-1).')
    for n in (2, 4, 8, 128, 256):
        put(f'nt_xent.collapsed.n{n}', math.log(2 * n - 1))
    for n, t in ((2, .5), (4, .5), (256, .5), (256, .1)):
        value = -1 / t + math.log(math.exp(1 / t) + 2 * n - 2)
        if n <= 4:
            near(nt_xent(np.vstack([np.eye(n)] * 2), t)[0], value)
        put(f'nt_xent.aligned_orthogonal.n{n}.t{t}', value)
    for n, t in ((2, .5), (4, .5), (128, .5), (256, .5), (256, .2)):
        value = -1 / t + math.log(math.exp(1 / t) + (2 * n - 2) * math.exp(-1 / ((n - 1) * t)))
        if n <= 4:
            near(nt_xent(np.vstack([np.eye(n) - 1 / n] * 2), t)[0], value)
        put(f'nt_xent.simplex.n{n}.t{t}', value)
    note('N = 2: view 1 = (1,0), (0,1); view 2 = those rotated by +30 degrees.')
    a = math.radians(30)
    turned = np.array([[math.cos(a), math.sin(a)], [-math.sin(a), math.cos(a)]])
    for t in (.5, .1):
        put(f'nt_xent.rotated30.t{t}', nt_xent(np.vstack([np.eye(2), turned]), t)[0])
    near(VALUES['nt_xent.rotated30.t0.5'], .3611229, 1e-7)
    near(VALUES['nt_xent.rotated30.t0.1'], .0128721, 1e-6)
    note('A general case: z [6,3] row-major, unnormalised, rows 0-2 view 1, rows 3-5 view 2; gradient with respect to z.')
    z = table(6, 3, .3) * 1.5
    put('nt_xent.case.z', z)
    for t in (.5, .1, 1.0):
        loss, gradient = nt_xent(z, t)
        tensor = torch.tensor(z, requires_grad=True)
        witness = NTXentLoss(temperature=t)(tensor[:3], tensor[3:])
        witness.backward()
        near(loss, witness.item(), 1e-9)
        near(gradient, tensor.grad.numpy(), 1e-9)
        put(f'nt_xent.case.loss.t{t}', loss)
        put(f'nt_xent.case.gradient.t{t}', gradient)
    note('Cross-entropy of logits [3,4] (rows) with targets 2 0 3: one loss a row, and the gradient of their mean.')
    logits = table(3, 4, 1.1) * 3
    target = np.array([2, 0, 3])
    tensor = torch.tensor(logits, requires_grad=True)
    rows = torch.nn.functional.cross_entropy(tensor, torch.tensor(target), reduction='none')
    rows.mean().backward()
    soft = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    near(-np.log(soft[np.arange(3), target]), rows.detach().numpy())
    near((soft - np.eye(4)[target]) / 3, tensor.grad.numpy())
    put('cross_entropy.logits', logits)
    put('cross_entropy.rows', rows.detach().numpy())
    put('cross_entropy.gradient_of_mean', tensor.grad.numpy())


def measures():
    import mpmath
    note()
    note('Watch values (specs G.4, G.5). Alignment = mean squared distance of positive pairs of unit vectors; uniformity = ln mean over i<j of')
    note('exp(-2 ||x_i - x_j||^2). x and y are [5,3] row-major before normalisation. uniformity.sphere.d: the limit of many independent points.')
    x, y = table(5, 3, .7), table(5, 3, .9)
    put('watch.x', x)
    put('watch.y', y)
    ux, uy = unit_rows(x), unit_rows(y)
    pairs = [(i, j) for i in range(5) for j in range(i + 1, 5)]
    put('watch.alignment', ((ux - uy) ** 2).sum(1).mean())
    put('watch.uniformity.x', math.log(np.mean([math.exp(-2 * ((ux[i] - ux[j]) ** 2).sum()) for i, j in pairs])))
    for d in (2, 128, 512, 2048):
        order = mpmath.mpf(d) / 2 - 1
        value = -4 + mpmath.log(mpmath.gamma(order + 1) * (mpmath.mpf(2) / 4) ** order * mpmath.besseli(order, 4))
        put(f'uniformity.sphere.d{d}', float(value))
    near(VALUES['uniformity.sphere.d2'], -1.575027, 1e-6)
    near(VALUES['uniformity.sphere.d128'], -3.937530, 1e-6)
    note('Standard deviation of the normalised embedding: mean over dimensions of the deviation over rows, dividing by n-1 (torch.std) and by n.')
    put('watch.std.x.unbiased', ux.std(0, ddof=1).mean())
    put('watch.std.x.biased', ux.std(0).mean())
    note('Mean cosine of positive pairs (x_i, y_i), and of all distinct pairs within x.')
    put('watch.cosine.positive', (ux * uy).sum(1).mean())
    put('watch.cosine.offdiagonal.x', np.mean([ux[i] @ ux[j] for i, j in pairs]))
    note('RankMe = exp(entropy of p), p = s / sum s + 1e-7, s the singular values, not centred. spectrum.* are singular values; x as above,')
    note('unnormalised and normalised; "exact" leaves the 1e-7 out (the two differ below 1e-5).')

    def rankme(s, epsilon=1e-7):
        p = np.asarray(s, float) / np.sum(s) + epsilon
        return math.exp(-(p[p > 0] * np.log(p[p > 0])).sum())

    for s in ((4, 2, 1, 1), (3, 1), (1, 1, 1, 1, 1), (1, 0, 0, 0)):
        name = '_'.join(map(str, s))
        put(f'rankme.spectrum.{name}', rankme(s))
        put(f'rankme.spectrum.{name}.exact', rankme(s, 0))
    near(VALUES['rankme.spectrum.4_2_1_1'], 3.36359, 1e-5)
    near(VALUES['rankme.spectrum.3_1'], 1.75477, 1e-5)
    put('rankme.x', rankme(np.linalg.svd(x, compute_uv=False)))
    put('rankme.x.unit', rankme(np.linalg.svd(ux, compute_uv=False)))
    note('alpha-ReQ: minus the slope of ln eigenvalue on ln rank; eigenvalues i^-1.3 give 1.3 with any weights. Participation ratio')
    note('(sum l)^2 / sum l^2 of the eigenvalues of the centred covariance of x.')
    put('alpha_req.power_law', 1.3)
    eigenvalues = np.linalg.eigvalsh(np.cov(x.T))
    put('participation_ratio.x', eigenvalues.sum() ** 2 / (eigenvalues ** 2).sum())


def knn():
    note()
    note('Weighted kNN (specs G.1): weight exp(cosine / T).')
    for t in (.07, .1):
        for s in (1, .9, .5):
            put(f'knn.weight.t{t}.s{s}', math.exp(s / t))
    note('A worked case, T .1: bank [8,2] with labels, queries [4,2], all unnormalised; scores are [query, class 0..2], for k = 1, 3, 5, 8.')
    bank = np.array([[1, .1], [.9, .4], [.2, 1], [-.3, .9], [-1, .2], [-.8, -.5], [.5, .5], [.1, -2]])
    labels = np.array([0, 0, 1, 1, 2, 2, 1, 0])
    queries = np.array([[2, .5], [.6, .7], [-.5, .4], [-.2, -.9]])
    put('knn.bank', bank)
    put('knn.labels', labels)
    put('knn.queries', queries)
    cosine = unit_rows(queries) @ unit_rows(bank).T
    for k in (1, 3, 5, 8):
        score = np.zeros((4, 3))
        for q in range(4):
            for index in np.argsort(-cosine[q], kind='stable')[:k]:
                score[q, labels[index]] += math.exp(cosine[q, index] / .1)
        put(f'knn.scores.k{k}', score)
        put(f'knn.predictions.k{k}', score.argmax(1))
    note('Ties: bank (1,0) of class 2, then (1,0) of class 1, query (1,0): of equal neighbours the lower index, of equal scores the lower class.')
    put('knn.tie.prediction.k1', 2)
    put('knn.tie.prediction.k2', 1)


def linear_probe():
    from sklearn.linear_model import LogisticRegression
    note()
    note('Linear probe: multinomial logistic regression at C = 1, minimum of sum of cross-entropies + .5 ||W||^2 (intercept free). Features [9,2]')
    note('row-major, used as they are; weight [3,2]; intercept sums to zero; objective is the minimum; probabilities [2,3] of (0.2,-0.1), (-1,1).')
    features = np.vstack([table(3, 2, .2) + (1, 0), table(3, 2, 1.2) + (-1, .5), table(3, 2, 2.2) + (0, -1)]).round(4)
    labels = np.repeat(np.arange(3), 3)
    design = np.hstack([features, np.ones((9, 1))])
    target = np.eye(3)[labels]
    theta = np.zeros((3, 3))
    penalty = np.diag(np.tile([1., 1., 0.], 3))

    def softmax(v):
        e = np.exp(v - v.max(1, keepdims=True))
        return e / e.sum(1, keepdims=True)

    for _ in range(50):  # Newton; the ridge on the one flat direction (a common shift of the intercepts) keeps it solvable
        p = softmax(design @ theta.T)
        gradient = ((p - target).T @ design).reshape(-1) + penalty @ theta.reshape(-1)
        hessian = penalty + 1e-9 * np.eye(9)
        for row, probability in zip(design, p):
            hessian += np.kron(np.diag(probability) - np.outer(probability, probability), np.outer(row, row))
        theta -= np.linalg.solve(hessian, gradient).reshape(3, 3)
    assert np.abs(gradient).max() < 1e-12
    theta[:, 2] -= theta[:, 2].mean()
    p = softmax(design @ theta.T)
    probe = LogisticRegression(C=1.0, tol=1e-12, max_iter=10000).fit(features, labels)
    near(theta[:, :2], probe.coef_, 1e-5)
    near(softmax(np.array([[.2, -.1, 1], [-1, 1, 1]]) @ theta.T), probe.predict_proba([[.2, -.1], [-1, 1]]), 1e-5)
    put('linear.features', features)
    put('linear.labels', labels)
    put('linear.weight', theta[:, :2])
    put('linear.intercept', theta[:, 2])
    put('linear.objective', -np.log(p[np.arange(9), labels]).sum() + .5 * (theta[:, :2] ** 2).sum())
    put('linear.probabilities', softmax(np.array([[.2, -.1, 1], [-1, 1, 1]]) @ theta.T))


WEIGHT = np.array([.5, -1, .25, 2, -.75, .125])
GRADIENTS = np.array([[.1, -.2, .3, .05, -.4, .15], [-.05, .1, .2, -.3, .25, .4], [.3, .3, -.1, .2, -.15, -.05]])
RATES = (.1, .2, .02)
DECAY, MOMENTUM, ETA = .01, .9, .001


def lars(variant, weight, matrix):
    """Weights after each of the three steps. eta 1e-3 in variants 1-3, .02 with clip_lr in variant 4."""
    w, buffer, trace = weight.copy(), np.zeros_like(weight), []
    for g, lr in zip(GRADIENTS, RATES):
        w_norm, g_norm = np.linalg.norm(w), np.linalg.norm(g)
        if variant in (1, 2):
            u = g + DECAY * w if matrix else g
            u_norm = np.linalg.norm(u)
            trust = ETA * w_norm / u_norm if matrix and w_norm > 0 and u_norm > 0 else 1.
            if variant == 1:
                buffer = MOMENTUM * buffer + trust * u
                w = w - lr * buffer
            else:
                buffer = MOMENTUM * buffer + lr * trust * u
                w = w - buffer
        else:
            adapts = (matrix or variant == 3) and w_norm > 0 and g_norm > 0
            if adapts:
                ratio = (ETA if variant == 3 else .02) * w_norm / (g_norm + DECAY * w_norm + 1e-8)
                if variant == 4:
                    ratio = min(ratio / lr, 1)
                g = (g + DECAY * w) * ratio
            buffer = MOMENTUM * buffer + g
            w = w - lr * buffer
        trace.append(w)
    return trace


def torch_trace(make, weight=WEIGHT):
    import torch
    w = torch.tensor(weight, requires_grad=True)
    optimiser, trace = make(torch.optim, [w]), []
    for g, lr in zip(GRADIENTS, RATES):
        optimiser.param_groups[0]['lr'] = lr
        w.grad = torch.tensor(g)
        optimiser.step()
        trace.append(w.detach().numpy().copy())
    return trace


def optimisers():
    note()
    note('Optimisers: six weights, three steps with the gradients and learning rates below (the rate changes, so buffers that hold it differ).')
    note('Momentum .9, decay .01. STEP1..3 are the weights after each step.')
    put('optimiser.weight', WEIGHT)
    for step, g in enumerate(GRADIENTS, 1):
        put(f'optimiser.gradient{step}', g)
    put('optimiser.lr', RATES)

    def put_trace(name, trace):
        for step, w in enumerate(trace, 1):
            put(f'{name}.step{step}', w)

    for name, nesterov in (('sgd', False), ('sgd_nesterov', True)):
        w, v, trace = WEIGHT.copy(), np.zeros(6), []
        for g, lr in zip(GRADIENTS, RATES):
            g = g + DECAY * w
            v = MOMENTUM * v + g
            w = w - lr * (g + MOMENTUM * v if nesterov else v)
            trace.append(w)
        near(trace, torch_trace(lambda o, p: o.SGD(p, lr=1, momentum=MOMENTUM, weight_decay=DECAY, nesterov=nesterov)))
        put_trace(name, trace)
    note('AdamW: betas (.9, .999), eps 1e-8 outside the root, decay decoupled: w -= lr decay w first. adamw_nodecay: decay 0 (one-dimensional tensors).')
    note('adamw_mae: betas (.9, .95), decay .05.')
    for name, decay, beta2 in (('adamw', DECAY, .999), ('adamw_nodecay', 0, .999), ('adamw_mae', .05, .95)):
        w, m, v, trace = WEIGHT.copy(), np.zeros(6), np.zeros(6), []
        for t, (g, lr) in enumerate(zip(GRADIENTS, RATES), 1):
            m, v = .9 * m + .1 * g, beta2 * v + (1 - beta2) * g * g
            w = w * (1 - lr * decay) - lr * (m / (1 - .9 ** t)) / (np.sqrt(v / (1 - beta2 ** t)) + 1e-8)
            trace.append(w)
        near(trace, torch_trace(lambda o, p: o.AdamW(p, lr=1, betas=(.9, beta2), eps=1e-8, weight_decay=decay)))
        put_trace(name, trace)
    note('LARS, the four variants of specs 0.3: 1 BYOL and Barlow (rate outside the buffer), 2 SimCLR (rate inside the buffer), 3 LARC (all tensors,')
    note('also one-dimensional ones; tc 1e-3, eps 1e-8, no clip), 4 solo-learn (eta .02, eps 1e-8, clip_lr). matrix: the weights as [2,3]; vector: as [6]')
    note('(variants 1, 2, 4: neither decay nor adaptation, plain momentum); zero: a [2,3] matrix that starts at 0 (step 1 with ratio 1; in 3 and 4')
    note('also without decay, which is nothing at 0). eta 1e-3 in variants 1 and 2.')
    for variant in (1, 2, 3, 4):
        put_trace(f'lars{variant}.matrix', lars(variant, WEIGHT, True))
        put_trace(f'lars{variant}.vector', lars(variant, WEIGHT, False))
        put_trace(f'lars{variant}.zero', lars(variant, np.zeros(6), True))
    near(lars(1, WEIGHT, False), torch_trace(lambda o, p: o.SGD(p, lr=1, momentum=MOMENTUM)))
    note('The trust ratio eta ||w|| / ||g|| at ||w|| = 2, ||g|| = .5, decay 0, eta 1e-3.')
    put('lars.ratio', .001 * 2 / .5)


def schedules():
    note()
    note('Learning rates by 0-based step, one row a line. schedule.multiplied.I = base steps warmup step rate, with')
    note('rate = base * .5 (1 + cos(pi step / steps)) * min(1, (step + 1) / warmup): the cosine runs from step 0 and the warm-up multiplies it.')
    row = 0
    for base, steps, warmup, some in ((.12, 1950, 100, (0, 1, 50, 98, 99, 100, 975, 1949)), (.1, 10, 4, range(10)), (.5, 7, 0, (0, 3, 6))):
        for step in some:
            ramp = min(1, (step + 1) / warmup) if warmup else 1
            rate = base * .5 * (1 + math.cos(math.pi * step / steps)) * ramp
            put(f'schedule.multiplied.{row}', (base, steps, warmup, step, rate))
            row += 1
    note('schedule.sequential.I = base end steps warmup step rate (specs 0.4): below warmup base * step / warmup, then')
    note('end + (base - end) .5 (1 + cos(pi (step - warmup) / (steps - warmup))).')
    row = 0
    for base, end, steps, warmup, some in ((.3, 0, 100, 10, (0, 1, 9, 10, 11, 55, 99, 100)), (.2, .0002, 50, 5, (0, 4, 5, 27, 50))):
        for step in some:
            rate = base * step / warmup if step < warmup else \
                end + (base - end) * .5 * (1 + math.cos(math.pi * (step - warmup) / (steps - warmup)))
            put(f'schedule.sequential.{row}', (base, end, steps, warmup, step, rate))
            row += 1
    note('Momentum of a moving-average teacher, 1 - (1 - m0) (cos(pi t / T) + 1) / 2. schedule.momentum.I = m0 t/T momentum.')
    row = 0
    for m0, known in ((.996, (.996, .9965858, .998, .9994142, 1)), (.99, (.99, .9914645, .995, .9985355, 1))):
        for fraction, published in zip((0, .25, .5, .75, 1), known):
            value = 1 - (1 - m0) * (math.cos(math.pi * fraction) + 1) / 2
            near(value, published, 1e-7)
            put(f'schedule.momentum.{row}', (m0, fraction, value))
            row += 1


def main():
    note('Golden values: losses, watch values, kNN, linear probe, optimisers, schedules. Made by losses.py, which checks them against other programs.')
    note('"key = value", or several values separated by one space (row-major). Lines that begin with # and empty lines are comments. Natural logarithms.')
    note()
    contrastive()
    measures()
    knn()
    linear_probe()
    optimisers()
    schedules()
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'losses.txt')
    if '--check' not in sys.argv:
        open(path, 'w').write('\n'.join(LINES) + '\n')
    stored = dict(line.split(' = ') for line in open(path).read().splitlines() if line and line[0] != '#')
    assert stored.keys() == VALUES.keys()
    for key, text in stored.items():
        near([float(n) for n in text.split(' ')], VALUES[key])
    print(len(VALUES), 'keys')


if __name__ == '__main__':
    main()
