"""`Interval`, and how many errors a rate must rest on."""

from __future__ import annotations

from dataclasses import dataclass

LEVEL = 0.95
"""How often an interval is to hold the truth."""
MIN_ERRORS = 30
"""Fewest false matches that a rate may rest on: then the true rate is within 30 % of the measured one, with 90 %
confidence, if the errors are independent (Doddington et al., "The NIST speaker recognition evaluation", 2000)."""


@dataclass(frozen=True)
class Interval:
    """Bounds between which a share, 0 to 1, would lie in 95 of 100 draws of other people of this kind."""

    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.low * 100:.2f} to {self.high * 100:.2f} %"
