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

        Of ``A = 2 U - 1``, the uniform strategy included on both sides. Each strategy of a quarter plays about
        ``measured_games`` battles, shared out over the finished ones. Quarters whose file is not there are left out.
        Every rank calls.
        """
        distributed.barrier()  # behind the writing
        c, everyone, n = self._context.config.generalists, strategies.serving.shape[1], len(strategies)
        policies, columns = list(strategies.snapshots), {}
        for name in self._ends:
            file = self._context.run.earlier_file(name)
            if file.exists():
                kept = self._context.run.read_snapshot(file)
                told = np.repeat(kept.mixture[1:, None], everyone, axis=1)
                columns[name] = [0, *range(len(policies) + 1, len(policies) + 1 + len(told))]
                policies += [Snapshot(f"{name}_{i}", kept.weights, mixture) for i, mixture in enumerate(told, 1)]
        if not columns:
            return {}
        pairs = [(i, j) for own in columns.values() for i in range(n) for j in own]
        joined = one_policy_each(policies, everyone, uniform_first=True)
        rates, _ = win_rates(self._context, joined, pairs, -(-c.measured_games // n))
        blocks = np.split(2.0 * rates - 1.0, np.cumsum([n * len(own) for own in columns.values()])[:-1])
        return {
            name: relative_population_performance(block.reshape(n, -1))
            for name, block in zip(columns, blocks, strict=True)
        }
