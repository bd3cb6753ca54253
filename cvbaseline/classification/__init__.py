"""The verbs `train` and `predict`: held-out estimates, metrics, reports, answers."""
