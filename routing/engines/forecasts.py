"""Forecasts by statsmodels, which is loaded when the first one is asked for."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np


def smoothed(weeks: Sequence[int]) -> float:
    """Units of the week after these by simple exponential smoothing, its weight fitted to them."""
    from statsmodels.tsa.holtwinters import SimpleExpSmoothing

    with warnings.catch_warnings():
        # A fit that stops early is judged by its errors like any other: `rules.replenishment.forecast` tries it.
        warnings.simplefilter("ignore")
        fitted = SimpleExpSmoothing(np.asarray(weeks, dtype=float), initialization_method="estimated").fit()
        return float(fitted.forecast(1)[0])
