"""Stages of boosted trees: arrays of samples in, a `Stage` out; no files, no printing."""
