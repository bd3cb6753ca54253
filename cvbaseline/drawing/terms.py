"""What drawn pictures are about, for those who only need the names and limits."""

EMOTIONS = ("angry", "happy", "neutral", "sad", "scared", "surprised", "worried")  # sorted

LEAST_FACE = 24  # pixels: about the smallest face in a scene


def most_faces(width: int) -> int:
    """How many faces fit side by side in a scene of the given width in pixels."""
    return max(1, int(width / (1.9 * LEAST_FACE)))
