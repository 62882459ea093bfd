"""Social graphs: whom each character would train against, given how it fares (M&M figure 2)."""

from __future__ import annotations

import numpy as np
from scipy.stats import entropy

from camtf.evaluation.findings import SocialGraph, Table
from camtf.population.meta_strategies import ROW_SOLVERS


def social_graph(table: Table, solver: str) -> SocialGraph:
    """``Sigma_k = F(U_k)`` over the opponents of a table, of those that character k can meet.

    Args:
        solver: one of `camtf.population.meta_strategies.ROW_SOLVERS`.
    """
    rates = table.mean.reshape(len(table.mean), -1)
    sigma = np.zeros_like(rates)
    for row, own in enumerate(rates):
        met = np.isfinite(own)
        sigma[row, met] = ROW_SOLVERS[solver](own[met])
    return SocialGraph(table.kind, table.opponents, solver, sigma, entropy(sigma, axis=1))
