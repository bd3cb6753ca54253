"""Settings of all tests."""

import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

# No test fails because the machine is busy.
settings.register_profile("cvbaseline", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("cvbaseline")


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Ctrl-C interrupts as in a terminal: a shell has what it runs in the background ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
