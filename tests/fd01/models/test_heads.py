"""Logistic regressions end at the minimum of their loss, and say so when they do not."""

import numpy as np
import pytest
from helpers.made_up_data import CONFIG, LABELS, UP
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from fd01.data.features import har, scale_free_a20
from fd01.data.origins import build_origins, splits
from fd01.data.prices import build_dataset, load_packaged
from fd01.evaluation.calibration import fit_logit
from fd01.models import heads
from fd01.models.heads import fit_logistic, minimum_logistic
from fd01.workflow.errors import NotRun


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """As in a job."""
    with threadpool_limits(1):
        yield


def newton(features, y, C):
    """Intercept and coefficients at the minimum of the penalised log-loss, by Newton's method with halved steps."""
    design = np.column_stack([np.ones(len(y)), features])
    penalty = np.append(0.0, np.full(features.shape[1], 1 / C))

    def loss(weights):
        z = design @ weights
        return np.sum(np.logaddexp(0, z) - y * z) + penalty @ weights**2 / 2

    weights = np.zeros(design.shape[1])
    for _ in range(100):
        p = expit(design @ weights)
        curvature = (design * (p * (1 - p))[:, None]).T @ design + np.diag(penalty)
        step = np.linalg.solve(curvature, design.T @ (p - y) + penalty * weights)
        size = 1.0
        while loss(weights - size * step) > loss(weights) + 1e-10 and size > 1e-6:
            size /= 2
        weights = weights - size * step
        if np.abs(step).max() < 1e-12:
            return weights
    raise AssertionError("no minimum in 100 steps")


class Rows:
    """In the place of a split: the targets of all rows."""

    def __init__(self, targets):
        self.targets = targets

    def y(self, rows):
        return self.targets[rows]


def packaged(features_of):
    """Features of the packaged prices, the split of the first target, rows to fit to and rows to score."""
    folds = {
        fold: {key: str(date) for key, date in dates.items()}
        for fold, dates in CONFIG["datasets"]["sp500"]["folds"].items()
    }
    dataset = build_dataset(load_packaged())
    (split,) = splits(build_origins(dataset, folds, LABELS, **CONFIG["origins"]), **UP)
    return features_of(dataset).to_numpy(), split, split.training, split.evaluation


def wide():
    """3,000 days with 1,300 features that share six factors, as the units of a network do; 500 days to score."""
    rng = np.random.default_rng(0)
    factors = rng.standard_normal((3500, 6))
    features = factors @ rng.standard_normal((6, 1300)) + rng.standard_normal((3500, 1300))
    y = (rng.random(3500) < expit(factors[:, 0] - 1.2)).astype(float)
    return features, Rows(y), np.arange(3000), np.arange(3000, 3500)


def nearly_separable():
    """Two classes that a line separates but for a few days: without penalty the coefficients grow large."""
    rng = np.random.default_rng(0)
    features = rng.standard_normal((400, 2))
    y = (features[:, 0] + 0.02 * rng.standard_normal(400) > 0).astype(float)
    return features, Rows(y), np.arange(300), np.arange(300, 400)


CASES = {
    "HAR without penalty": (lambda: packaged(har), np.inf),
    "20 indicators": (lambda: packaged(scale_free_a20), 0.1),
    "1,300 features": (wide, 0.001),
    "nearly separable": (nearly_separable, np.inf),
}


@pytest.mark.parametrize("case", CASES)
def test_probability_is_the_one_at_the_minimum(case):
    make, C = CASES[case]
    features, split, train, rows = make()
    centre, scale = features[train].mean(axis=0), features[train].std(axis=0)
    weights = newton((features[train] - centre) / scale, split.y(train), C)
    exact = expit(weights[0] + (features[rows] - centre) / scale @ weights[1:])
    np.testing.assert_allclose(fit_logistic(features, split, train, rows, C), exact, rtol=0, atol=1e-8)
    # With scikit-learn's defaults, as before, the same comparison fails.
    loose = LogisticRegression(C=C, max_iter=1000).fit((features[train] - centre) / scale, split.y(train))
    assert np.abs(loose.predict_proba((features[rows] - centre) / scale)[:, 1] - exact).max() > 1e-6


def test_regressions_of_the_evaluation_end_at_the_minimum_too():
    rng = np.random.default_rng(0)
    first, second = rng.standard_normal((2, 500)) * [[0.3], [40]] + [[2], [-7]]
    y = (rng.random(500) < expit(3 * first - 7 + 0.02 * second)).astype(float)
    weights = newton(np.column_stack([first, second]), y, np.inf)
    probability, coefficients, intercept = fit_logit(y, first, second)
    exact = expit(weights[0] + weights[1] * first + weights[2] * second)
    np.testing.assert_allclose(probability(first, second), exact, rtol=0, atol=1e-8)
    np.testing.assert_allclose([intercept, *coefficients], weights, rtol=1e-7)


def test_fit_that_does_not_converge_is_said(monkeypatch):
    features, split, train, _ = nearly_separable()
    monkeypatch.setattr(heads, "CONVERGED", 1e-30)  # more than numbers of 64 bits can give
    with pytest.raises(NotRun, match=r"did not converge in \d+ steps: the slope of its loss is still \d"):
        minimum_logistic(features[train], split.y(train), np.inf)
