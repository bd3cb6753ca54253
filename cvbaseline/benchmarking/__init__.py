"""The verb `benchmark`: classifiers compared on the same crops and splits, honestly.

The way through it: `reading`, with `splits` and `leaks`, says what is learnt from and what is
tested; `plan` makes the jobs of it that `running` gives to child processes (`worker`), which store
their predictions (`records`); `scores` and `comparisons` compute metrics from what is stored,
`findings` puts them together, `judgements` objects, and `report` shows it all.
"""
