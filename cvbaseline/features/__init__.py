"""Feature families of cascades: the pools in the old trainer's order, and their values on samples."""
