"""A bench takes minutes, and so no test runs one; each can at least be begun."""

import importlib
import pkgutil

import pytest

import bench


@pytest.mark.parametrize("name", [each.name for each in pkgutil.iter_modules(bench.__path__)])
def test_a_bench_can_be_begun(name: str):
    importlib.import_module(f"bench.{name}")
