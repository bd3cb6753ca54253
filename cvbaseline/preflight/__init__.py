"""Checks before a training: pure functions of what was read, each giving findings with a mend."""
