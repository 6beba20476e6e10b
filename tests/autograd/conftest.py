"""What every test of the engine starts from."""

import pytest
from hypothesis import settings

from autograd import OPS

settings.register_profile("patient", deadline=None)  # a busy machine is no failure
settings.load_profile("patient")


@pytest.fixture(autouse=True)
def ops_as_shipped():
    """Take an op that a test has defined out of the table again."""
    before = dict(OPS)
    yield
    OPS.clear()
    OPS.update(before)
