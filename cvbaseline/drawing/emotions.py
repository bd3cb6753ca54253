"""The seven emotions, in the order of their class numbers (sorted)."""

EMOTIONS = ("angry", "happy", "neutral", "sad", "scared", "surprised", "worried")
