"""One network that holds all strategies, as it was after each quarter of its run: what has it gained since?"""

from __future__ import annotations

import numpy as np

from camtf import distributed
from camtf.model.policy import Policy
from camtf.population.equilibrium import relative_population_performance
from camtf.population.measuring import win_rates
from camtf.population.strategies import Strategies, one_policy_each
from camtf.population.training import Context
from camtf.types import Snapshot


class Quarters:
    """Keeps the population after each quarter of a run but the last, and lets the finished one meet them.

    Args:
        updates: of the whole run. One of fewer than four has fewer quarters.
    """

    def __init__(self, context: Context, updates: int) -> None:
        self._context = context
        self._ends = {f"quarter_{q}": updates * q // 4 for q in (1, 2, 3)}

    def keep(self, update: int, policy: Policy, told: np.ndarray) -> None:
        """Write the policy down where a quarter ends with this update.

        Args:
            told: what it is conditioned on as each strategy, float32 ``[strategies, S]``; the first is the uniform one.
        """
        for name, end in self._ends.items():
            if update and update == end and distributed.rank() == 0:
                file = self._context.run.earlier_file(name)
                self._context.run.write_snapshot(file, Snapshot(name, policy.get_weights(), told), {"update": update})

    def meet(self, strategies: Strategies) -> dict[str, float]:
        """Relative population performance of the finished strategies against those after each quarter, from -1 to 1.

        Of ``A = 2 U - 1``, measured by about ``measured_games`` battles for each quarter, shared out over the pairs of
        strategies, both uniform ones included. Quarters whose file is not there are left out. Every rank calls.
        """
        distributed.barrier()  # behind the writing
        c, run, everyone = self._context.config.generalists, self._context.run, strategies.serving.shape[1]
        performance = {}
        for name in self._ends:
            file = run.earlier_file(name)
            if not file.exists():
                continue
            kept = run.read_snapshot(file)
            old = [Snapshot(f"{name}_{i}", kept.weights, np.repeat(kept.mixture[[i]], everyone, axis=0))
                   for i in range(1, len(kept.mixture))]  # fmt: skip
            joined = one_policy_each([*strategies.snapshots, *old], everyone, uniform_first=True)
            columns = [0, *range(len(strategies), len(joined))]
            pairs = [(i, j) for i in range(len(strategies)) for j in columns if (i, j) != (0, 0)]
            rates, _ = win_rates(self._context, joined, pairs, -(-c.measured_games // len(pairs)))
            payoffs = 2.0 * np.append(0.5, rates).reshape(len(strategies), len(columns)) - 1.0
            performance[name] = relative_population_performance(payoffs)
        return performance
