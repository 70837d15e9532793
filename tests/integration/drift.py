"""Whether what was watched over a long time drifted: the soak's verdicts."""

import statistics
from dataclasses import dataclass


@dataclass(frozen=True)
class Series:
    """One thing that was sampled, at even distances in time."""

    name: str
    unit: str
    values: list
    ratio: float  # how much more the end may be than the time after the start
    room: float  # ... and beside that, in the unit

    def settled(self):
        """The typical value after what a start does: of the second quarter."""
        return statistics.median(self.values[len(self.values) // 4:len(self.values) // 2 + 1])

    def ended(self):
        """... and of the last quarter."""
        return statistics.median(self.values[-max(len(self.values) // 4, 1):])

    def drifted(self):
        return self.ended() > self.settled() * self.ratio + self.room

    def line(self):
        return (f"{self.name:34} {self.settled():10.1f} {self.ended():10.1f} {max(self.values):10.1f} {self.unit:5} "
                f"{'DRIFTED' if self.drifted() else 'steady'}")


HEAD = f"{'':34} {'settled':>10} {'at the end':>10} {'most':>10}"
