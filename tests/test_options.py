"""The command line that made options makes them again."""

from pathlib import Path

import pytest

from cvbaseline.benchmarking.options import BenchmarkOptions
from cvbaseline.cli import parse
from cvbaseline.exploring.explore import ExploreOptions
from cvbaseline.options import command_line


@pytest.mark.parametrize(
    ("verb", "options", "line"),
    [
        ("explore", ExploreOptions(data=Path("a b")), "cvbaseline explore 'a b'"),
        (
            "benchmark",
            BenchmarkOptions(
                data=Path("faces"), classifiers=("hog_svm:C=1,gamma=3", "lbph"), cv="3x1", size=32,
                robustness=True, pictures=False, square=False,
            ),
            "cvbaseline benchmark faces --size 32 --no-square --classifiers hog_svm:C=1,gamma=3 "
            "lbph --cv 3x1 --robustness --no-pictures",
        ),
    ],
)  # fmt: skip
def test_a_command_line_makes_the_options_it_came_from(verb, options, line):
    assert command_line(verb, options) == line
    words = line.replace("'a b'", "a\0b").split()
    assert parse(verb, [word.replace("\0", " ") for word in words[2:]]) == options
