"""Which rows of a batch have a condition, and how work is done for those rows only."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool
from torch import Tensor


@dataclass(frozen=True)
class Rows:
    """The batch rows that have a condition. The others never pay for it: they are left out, not masked."""

    having: tuple[int, ...]
    batch: int

    @classmethod
    def of(cls, flags: Bool[Tensor, " b"] | None, batch: int) -> "Rows":
        """Rows whose flag is set; all rows when there are no flags."""
        having = range(batch) if flags is None else [row for row, flag in enumerate(flags.tolist()) if flag]
        return cls(tuple(having), batch)

    @property
    def all(self) -> bool:
        return len(self.having) == self.batch

    @property
    def none(self) -> bool:
        return not self.having

    @property
    def lacking(self) -> tuple[int, ...]:
        return tuple(row for row in range(self.batch) if row not in self.having)

    def place(self, row: int) -> int | None:
        """Where a row is among those of `take`; None if it lacks the condition."""
        return self.having.index(row) if row in self.having else None

    def take(self, x: Tensor) -> Tensor:
        """The rows that have the condition."""
        return x if self.all else _pick(x, self.having)

    def leave(self, x: Tensor) -> Tensor:
        """The rows that lack it."""
        return _pick(x, self.lacking)

    def join(self, taken: Tensor, left: Tensor) -> Tensor:
        """The whole batch, in its order, from what was made of `take` and `leave`."""
        order = self.having + self.lacking
        if order == tuple(range(self.batch)):
            return torch.cat([taken, left])
        if self.lacking + self.having == tuple(range(self.batch)):
            return torch.cat([left, taken])
        back = sorted(range(self.batch), key=order.__getitem__)
        return torch.cat([taken, left])[torch.tensor(back, device=taken.device)]

    def add(self, x: Tensor, taken: Tensor) -> Tensor:
        """`x` with `taken` added to the rows that have the condition."""
        if self.all:
            return x + taken
        return self.join(self.take(x) + taken, self.leave(x))


def _pick(x: Tensor, rows: tuple[int, ...]) -> Tensor:
    """Those rows; neighbours are cut out without a copy."""
    if not rows:
        return x[:0]
    if rows == tuple(range(rows[0], rows[0] + len(rows))):
        return x[rows[0] : rows[0] + len(rows)]
    return x[torch.tensor(rows, device=x.device)]
