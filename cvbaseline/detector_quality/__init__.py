"""How good detectors are on annotated pictures: evaluated, and compared with one another."""
