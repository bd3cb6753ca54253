"""Stage thresholds raised so that a cascade rejects windows without a face sooner."""
