"""Feature families of cascades: pools in the old trainer's order, and values on samples."""
