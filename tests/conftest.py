"""Settings of all tests."""

from hypothesis import HealthCheck, settings

# No test fails because the machine is busy.
settings.register_profile("cvbaseline", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("cvbaseline")
