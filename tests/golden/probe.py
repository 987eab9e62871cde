"""Writes probe.txt: small data sets and what scikit-learn's LogisticRegression makes of them.

A set is: samples, features, classes, C; then a line a sample (features, label); then a line a class
(coefficients, intercept); then the objective sum(loss) / n + penalty / (C n); then a line of the
predictions for the samples themselves. For two classes scikit-learn has one vector: it is written
as -w/2, w/2.
Usage: python tests/golden/probe.py > tests/golden/probe.txt"""
import numpy
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss


def write(samples, features, classes, c, spread):
    random = numpy.random.default_rng(samples)
    label = numpy.arange(samples) * 7 % classes
    centre = random.standard_normal((classes, features))
    scale = 10.0 ** random.uniform(-2, 2, features)
    x = (centre[label] + spread * random.standard_normal((samples, features))) * scale + 3 * scale
    x = x.astype(numpy.float32)
    x64 = x.astype(numpy.float64)
    standard = (x64 - x64.mean(0)) / (x64.std(0) + 1e-6)
    model = LogisticRegression(C=c, tol=1e-10, max_iter=10000).fit(standard, label)
    w, b = model.coef_, model.intercept_
    penalty = 0.5 * (w ** 2).sum()
    if classes == 2:
        w, b = numpy.concatenate([-w / 2, w / 2]), numpy.concatenate([-b / 2, b / 2])
    objective = log_loss(label, model.predict_proba(standard)) + penalty / (c * samples)
    print(samples, features, classes, c)
    for row, y in zip(x, label):
        print(*(f"{v:.9g}" for v in row), y)
    for row, intercept in zip(w, b):
        print(*(f"{v:.9g}" for v in row), f"{intercept:.9g}")
    print(f"{objective:.12g}")
    print(*model.predict(standard))


write(60, 4, 3, 1.0, 1.5)
write(40, 3, 2, 1.0, 1.0)
write(300, 6, 5, 0.1, 1.2)
