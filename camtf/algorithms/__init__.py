"""The population algorithms, each as its paper's box: draw matchups, play, learn, count, solve the graph.

==================  ================================================================================================
`neupl`             S strategies in one conditional network (NeuPL), and any mixture of them (Simplex-NeuPL)
`generalists`       `mia`: generations of one conditional network, the papers' Generalists
`psro`              a network for each iteration, from scratch (`psro`) or from the one before (`psro_c`)
`independent`       a network of its own for each character, from scratch
`specialists`       stage 2: a copy of the Generalist for each character, maximising its comparative advantage
`exploiters`        best responses to a frozen mixture, which say how exploitable it is at least
`clusters`          which characters share a Specialist, where they do
`controls`          what Specialists are compared with
==================  ================================================================================================
"""

from __future__ import annotations

from camtf.algorithms import generalists, independent, neupl, psro
from camtf.algorithms.freezing import population
from camtf.population.strategies import Strategies
from camtf.population.training import Context

__all__ = ["population", "train_population"]


def train_population(context: Context) -> Strategies:
    """Stage 1 by the run's algorithm; what is there already is not trained again."""
    if context.run.has_population():
        return population(context)
    match context.config.generalists.algorithm:
        case "neupl":
            return neupl.train(context)
        case "simplex_neupl":
            return neupl.train(context, context.config.generalists.any_mixture)
        case "mia":
            return generalists.train(context)
        case "psro":
            return psro.train(context, keep_weights=False)
        case "psro_c":
            return psro.train(context, keep_weights=True)
        case _:
            return independent.train(context)
