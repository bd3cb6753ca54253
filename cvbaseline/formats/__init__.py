"""File formats: pure functions text or bytes <-> data, each with a thin file shell."""
