"""The random numbers of OpenCV: a multiply-with-carry generator (Marsaglia 1994).

The old programs drew from it, so a seed gives the samples here that it gave there.
"""

import numpy as np

MULTIPLIER = 4164903690
WORD = 2**32 - 1


class MultiplyWithCarry:
    """A stream of random numbers; the same seed gives the same stream everywhere."""

    def __init__(self, seed: int):
        self.state = seed % 2**64 or WORD

    def word(self) -> int:
        """The next number from 0 to 2**32 - 1."""
        self.state = (self.state & WORD) * MULTIPLIER + (self.state >> 32)
        return self.state & WORD

    def whole(self, low: int, high: int) -> int:
        """A whole number from low to high - 1; nothing is drawn when they are equal."""
        return low if low == high else low + self.word() % (high - low)

    def real(self, low: float, high: float) -> float:
        """A number from low to high, of 64 random bits."""
        bits = self.word() << 32 | self.word()
        return float(bits) * 2.0**-64 * (high - low) + low

    def single(self, low: float, high: float) -> np.float32:
        """A number from low to high in single precision, of 32 random bits."""
        share = np.float32(self.word()) * np.float32(2.0**-32)
        return share * (np.float32(high) - np.float32(low)) + np.float32(low)
