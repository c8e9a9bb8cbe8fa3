"""One option of each layer within budgets: the integer program behind the sizing, solved exactly by HiGHS.

    minimise    weights . total
    such that   total = sum over layers of the chosen option's amounts <= budgets
                the two ends of every stream agree: its producer's option and its consumer's

A multiple-choice knapsack with as many constraints as there are resources. Amounts and budgets are integers, the gap is
zero, and what the solver returns is added up again in integers before anyone relies on it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import highspy
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Layer:
    """The options of one node.

    Parameters
    ----------
    amounts
        int64 (options, resources): what each takes.
    lanes
        int64 (options, streams): what its streams look like to its neighbours.
    """

    amounts: NDArray[np.int64]
    lanes: NDArray[np.int64]


@dataclass(frozen=True)
class Link:
    """A stream that two nodes share: their options must agree on it.

    Parameters
    ----------
    producer, consumer
        Which of the layers.
    output, input
        Which of their streams, columns of `lanes`.
    """

    producer: int
    output: int
    consumer: int
    input: int


def cheapest(
    layers: Sequence[Layer], links: Sequence[Link], budgets: Sequence[int], weights: Sequence[float]
) -> tuple[int, ...] | None:
    """The option of each layer with the least weighted total within the budgets; None where nothing fits."""
    program = _Program(layers, links)
    chosen = program.solve(np.asarray(budgets, dtype=np.float64), np.asarray(weights, dtype=np.float64))
    return None if chosen is None else program.checked(chosen, budgets)


def evenest(layers: Sequence[Layer], links: Sequence[Link], budgets: Sequence[int]) -> tuple[int, ...] | None:
    """The option of each layer whose total has the smallest largest share of any budget, above 1 if need be.

    Among those it is the one with the smallest sum of shares. Of a budget of 0 each piece counts as twice the board.
    None where no options agree with their neighbours.
    """
    program = _Program(layers, links)
    wholes = [Fraction(budget) if budget else Fraction(1, 2) for budget in budgets]
    weights = np.array([float(1 / whole) for whole in wholes])
    chosen = program.solve_evenly(wholes)
    if chosen is None:
        return None
    while True:
        share = max(int(amount) / whole for amount, whole in zip(total(layers, chosen), wholes, strict=True))
        # The solver's share is a float; whether anything is better is asked in integers.
        better = program.solve(np.array([math.ceil(share * whole) - 1.0 for whole in wholes]), weights)
        if better is None:
            return cheapest(layers, links, [math.floor(share * whole) for whole in wholes], weights.tolist())
        chosen = better


def total(layers: Sequence[Layer], chosen: Sequence[int]) -> NDArray[np.int64]:
    """Resources of the chosen options together, int64 (resources,)."""
    amounts = [layer.amounts[place] for layer, place in zip(layers, chosen, strict=True)]
    return np.sum(amounts, axis=0, dtype=np.int64)


class _Program:
    """The constraints that every question about these layers shares: one option each, neighbours agree."""

    def __init__(self, layers: Sequence[Layer], links: Sequence[Link]) -> None:
        self.layers = layers
        self.starts = np.cumsum([0, *(len(layer.amounts) for layer in layers)])
        count = int(self.starts[-1])
        self.amounts = np.concatenate([layer.amounts for layer in layers]).T.astype(np.float64)
        # What no option takes is no constraint.
        self.taken = self.amounts.any(axis=1)
        rows, sides = [], []
        for place in range(len(layers)):
            row = np.zeros(count)
            row[self._columns(place)] = 1
            rows.append(row)
            sides.append(1.0)
        for link in links:
            given = layers[link.producer].lanes[:, link.output]
            taken = layers[link.consumer].lanes[:, link.input]
            for kind in np.union1d(given, taken)[:-1]:
                row = np.zeros(count)
                row[self._columns(link.producer)] = given == kind
                row[self._columns(link.consumer)] = -(taken == kind).astype(float)
                rows.append(row)
                sides.append(0.0)
        self.rows, self.sides = np.array(rows), np.array(sides)

    def _columns(self, place: int) -> slice:
        return slice(int(self.starts[place]), int(self.starts[place + 1]))

    def solve(self, budgets: NDArray[np.float64], weights: NDArray[np.float64]) -> tuple[int, ...] | None:
        budgets = budgets[self.taken]
        matrix = np.concatenate([self.rows, self.amounts[self.taken]])
        low = np.concatenate([self.sides, np.full(len(budgets), -highspy.kHighsInf)])
        high = np.concatenate([self.sides, budgets])
        return self._run(weights @ self.amounts, matrix, low, high, continuous=0)

    def solve_evenly(self, wholes: Sequence[Fraction]) -> tuple[int, ...] | None:
        """Minimise one more column, the largest share."""
        shares = (self.amounts / np.array(wholes, dtype=np.float64)[:, None])[self.taken]
        matrix = np.concatenate([self.rows, shares])
        matrix = np.concatenate([matrix, np.zeros((len(matrix), 1))], axis=1)
        matrix[len(self.rows) :, -1] = -1
        low = np.concatenate([self.sides, np.full(len(shares), -highspy.kHighsInf)])
        high = np.concatenate([self.sides, np.zeros(len(shares))])
        objective = np.append(np.zeros(self.amounts.shape[1]), 1.0)
        return self._run(objective, matrix, low, high, continuous=1)

    def _run(
        self,
        objective: NDArray[np.float64],
        matrix: NDArray[np.float64],
        low: NDArray[np.float64],
        high: NDArray[np.float64],
        continuous: int,
    ) -> tuple[int, ...] | None:
        """Solve over binary columns, the last `continuous` ones real and not negative."""
        columns = matrix.shape[1]
        program = highspy.HighsLp()
        program.num_col_, program.num_row_ = columns, len(matrix)
        program.col_cost_ = objective
        program.col_lower_ = np.zeros(columns)
        upper = np.ones(columns)
        upper[columns - continuous :] = highspy.kHighsInf
        program.col_upper_ = upper
        program.row_lower_, program.row_upper_ = low, high
        sparse = matrix != 0
        program.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        program.a_matrix_.start_ = np.append(0, np.cumsum(sparse.sum(axis=1)))
        program.a_matrix_.index_ = np.nonzero(sparse)[1]
        program.a_matrix_.value_ = matrix[sparse]
        kinds = [highspy.HighsVarType.kInteger] * (columns - continuous)
        program.integrality_ = kinds + [highspy.HighsVarType.kContinuous] * continuous
        solver = highspy.Highs()
        solver.silent()
        solver.setOptionValue("threads", 1)  # and one order of the search: the same answer every time
        solver.setOptionValue("mip_rel_gap", 0.0)
        solver.setOptionValue("mip_abs_gap", 0.0)
        solver.passModel(program)
        solver.run()
        status = solver.getModelStatus()
        if status == highspy.HighsModelStatus.kInfeasible:
            return None
        if status != highspy.HighsModelStatus.kOptimal:
            raise RuntimeError(f"HiGHS ended with {solver.modelStatusToString(status)}")
        solution = np.array(solver.getSolution().col_value)
        return tuple(int(np.argmax(solution[self._columns(place)])) for place in range(len(self.layers)))

    def checked(self, chosen: tuple[int, ...], budgets: Sequence[int]) -> tuple[int, ...]:
        """The solver works in floats: that the choice really fits is added up in integers."""
        amounts = total(self.layers, chosen)
        if (amounts > np.asarray(budgets)).any():
            raise RuntimeError(f"HiGHS returned {amounts.tolist()}, beyond {list(budgets)}")
        return chosen
