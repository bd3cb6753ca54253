"""Keras for tests, on the backend that a user would get; without it they are skipped."""

import pytest

from cvbaseline.classifiers.keras_network import import_keras, keras_backend
from cvbaseline.errors import MissingLibrary


def keras_or_skip():
    """The module keras."""
    try:
        keras_backend()
    except MissingLibrary as error:
        pytest.skip(str(error))
    return import_keras()
