"""What every test may ask for."""

import os
import shutil
from collections.abc import Callable

import pytest
from hypothesis import settings


@pytest.fixture(scope="session")
def need() -> Callable[[str], str]:
    """Path of a real part on PATH; its absence skips the test, except in CI, where it fails."""

    def _need(program: str) -> str:
        path = shutil.which(program)
        if path is None:
            reason = f"{program} is not installed"
            if os.environ.get("CI"):
                pytest.fail(reason)
            pytest.skip(reason)
        return path

    return _need


# A shared machine may be slow for a moment: how long an example takes says nothing here.
settings.register_profile("house", deadline=None, print_blob=True)
settings.register_profile("ci", settings.get_profile("house"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "house")
