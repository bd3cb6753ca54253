"""A grid of detector settings on annotated pictures, and the one to take."""
