"""`neupl` and `simplex_neupl`: many strategies in ONE conditional network.

NeuPL (Liu et al. 2022, arXiv 2202.07415, algorithm 1): strategy i is ``Pi(a | s, sigma_i)``, the best response to the
mixture ``sigma_i`` of the strategies before it; all train at the same time, and ``Sigma = F(U)`` is solved again and
again from the win rates between them. Simplex-NeuPL (Liu et al. 2022, arXiv 2205.15879) trains it for any mixture, too.
"""

from __future__ import annotations

import numpy as np

from camtf.algorithms.freezing import freeze
from camtf.config import GeneralistConfig
from camtf.evaluation.intervals import NORMAL_95
from camtf.population.belief import Belief, belief_of
from camtf.population.earlier import Quarters
from camtf.population.matchmaking import Graph
from camtf.population.measuring import Measured
from camtf.population.meta_strategies import SOLVERS, centred, lower_triangular
from camtf.population.payoffs import Counted, Nodes, Payoffs
from camtf.population.pool import UNIFORM
from camtf.population.strategies import Served, Strategies, one_policy_each
from camtf.population.training import Context, Task, Training
from camtf.types import Snapshot

SINK = 0
"""The slot that plays uniformly over what is legal. It is served outside the network: shared weights would move it."""


def train(context: Context, any_mixture: float = 0.0) -> Strategies:
    """Train all strategies and return those that were accepted, in order.

    Args:
        any_mixture: share of the episodes whose mixture is drawn from the simplex rather than being a row of Sigma.
    """
    c = context.config.generalists
    policy = context.policy(context.config.seed)
    belief = belief_of(context.game, context.policy()) if c.belief else None
    nodes = Nodes(c.slots, context.characters, by_character=False, roles=context.game.roles)
    slots = Slots(c, nodes, context.config.network.mixture_slots, any_mixture, belief)
    opponents = slots.opponents(context)  # the same network, as it was when the unroll began
    training = Training(
        context,
        Task(
            name=c.algorithm,
            number=1,
            policy=policy,
            opponents=opponents,
            frames=c.generations * c.frames,
            state=slots,
            evaluated=c.evaluation_share,
            observer=slots.belief,
        ),
    )
    quarters = Quarters(context, training.total_updates)
    for battles in training:  # rows i uniformly, j ~ sigma_i: Pi(.|s, sigma_i) against Pi(.|s', sigma_j)
        slots.count(battles)  # U
        settled = training.updates >= (1.0 - c.settling) * training.total_updates
        if training.updates % c.solve_updates == 0:
            if not settled:
                slots.solve()  # Sigma = F(U)
                slots.accept()  # is the newest row better than what there was?
            slots.give_up()  # is the last one no longer?
            training.follow(slots.graph())
        training.show(slots.shown(), lambda: (slots.payoffs.rates(), slots.sigma))
        quarters.keep(training.updates, policy, slots.told()[: slots.kept])
    told = slots.told()
    frozen = [
        Snapshot(f"slot_{i:02d}", policy.get_weights(), np.repeat(told[[i]], len(context.game.characters), axis=0))
        for i in range(1, slots.kept)
    ]
    strategies = one_policy_each(frozen, len(context.game.characters), uniform_first=True)
    earlier = quarters.meet(strategies)
    return freeze(context, strategies, slots.measured(), slots.accepted, training.report(), earlier)


class Slots(Counted):
    """The strategies of one network: U between them, Sigma, and how many were accepted. Slot 0 is the sink.

    Rows up to the first that was not accepted train. A row is accepted when the lower 97.5% bound of its win rate
    against its own mixture exceeds 1/2 + delta: against duplicates of what there was, which a maximum-entropy
    equilibrium spreads over, nothing exceeds it. All rows move while they train, and with them the mixtures of those
    after them: the last accepted row is given up again when the upper bound falls below 1/2 + delta.
    """

    def __init__(
        self,
        config: GeneralistConfig,
        nodes: Nodes,
        width: int,
        any_mixture: float = 0.0,
        belief: Belief | None = None,
    ) -> None:
        super().__init__(nodes, Payoffs(config.slots, config.payoff_decay))
        self.config = config
        self.belief = belief
        self.accepted = SINK
        self._width, self._any_mixture = width, any_mixture
        self._solver = SOLVERS[config.meta_strategy or "nash"]
        self.solve()

    def opponents(self, context: Context) -> Served:
        """The network's own copy for all slots but the sink."""
        serving = np.zeros((self.nodes.strategies, len(context.game.characters)), np.int64)
        serving[SINK] = UNIFORM
        return Served(context.pool([Snapshot("live", context.policy().get_weights(), self.told())]), serving, live=0)

    @property
    def newest(self) -> int:
        """The row that is to be accepted next, or the last one."""
        return min(self.accepted + 1, self.nodes.strategies - 1)

    @property
    def kept(self) -> int:
        """How many slots the finished population has: the sink, those that were accepted, at least one that learned."""
        return max(self.accepted, 1) + 1

    def solve(self) -> None:
        """Row i is F of U between the accepted slots before it (PSRO-Nash)."""
        trained = self.newest + 1
        self.sigma = np.zeros((self.nodes.strategies, self.nodes.strategies))
        between = centred(self.payoffs.rates()[:trained, :trained])
        self.sigma[:trained, :trained] = lower_triangular(between, self._solver)

    def accept(self) -> None:
        """The newest row counts from now on where it surely beats its mixture, and the next one begins to train."""
        rate, error = self.payoffs.against(self.newest, self.sigma[self.newest])
        if self.newest > self.accepted and rate - NORMAL_95 * error > 0.5 + self.config.accept_margin:
            self.accepted = self.newest
            self.solve()

    def give_up(self) -> None:
        """Where the last row that counts surely does not beat its mixture any more, it is the newest again."""
        rate, error = self.payoffs.against(self.accepted, self.sigma[self.accepted])
        if self.accepted > SINK and rate + NORMAL_95 * error < 0.5 + self.config.accept_margin:
            self.accepted -= 1
            self.sigma[self.newest + 1 :] = 0.0

    def told(self) -> np.ndarray:
        """Sigma as the network's input, float32 ``[slots, S]``."""
        return np.pad(self.sigma, ((0, 0), (0, self._width - len(self.sigma)))).astype(np.float32)

    def graph(self) -> Graph:
        """Accepted rows and the newest learn uniformly; all pairs of them are counted uniformly."""
        if self.belief is not None:
            self.belief.follow(self.told())
        learners = np.arange(1, self.newest + 1)
        pairs = [(i, j) for i in learners for j in range(self.newest + 1) if i != j]
        return Graph(
            learners=learners,
            sigma=self.sigma[learners],
            told=self.told(),
            evaluated=np.array(pairs),
            any_mixture=self._any_mixture,
            mixable=np.arange(self.accepted + 1),
        )

    def shown(self) -> dict[str, float]:
        """What is worth seeing while it trains."""
        rate, error = self.payoffs.against(self.newest, self.sigma[self.newest])
        return {"effective_population": float(self.accepted), "newest_win_rate": rate, "newest_error": error}

    def measured(self) -> Measured:
        """What is known of the slots that are kept."""
        kept = slice(self.kept)
        return Measured(self.payoffs.rates()[kept, kept], self.payoffs.games()[kept, kept], self.sigma[kept, kept])

    def arrays(self) -> dict[str, np.ndarray]:
        """See `camtf.population.training.State`."""
        return {**super().arrays(), "accepted": np.array(self.accepted), "sigma": self.sigma}

    def restore(self, arrays: dict[str, np.ndarray]) -> None:
        """See `camtf.population.training.State`."""
        super().restore(arrays)
        self.accepted, self.sigma = int(arrays["accepted"]), arrays["sigma"]
