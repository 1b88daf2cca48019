"""Finding plugins: lazily, each on its own, and never silently wrong."""

import subprocess
import sys
from importlib.metadata import EntryPoint
from types import ModuleType

import pytest

from dsvc.errors import PluginError, PluginNotFoundError
from dsvc.plugins.contracts import Outcome, Transform
from dsvc.plugins.hookspecs import hookimpl
from dsvc.plugins.manager import Plugins


class Zero(Transform):
    """A transform that gives 0."""

    version, output = "1", "int64"

    def __call__(self, batch, pixels=None):
        return Outcome([0] * batch.num_rows)


def offering(result):
    """Return a module whose hook for transforms returns `result`, or raises it."""
    module = ModuleType("plugin")

    @hookimpl
    def dsvc_transforms():
        if isinstance(result, Exception):
            raise result
        return result

    module.dsvc_transforms = dsvc_transforms
    return module


@pytest.fixture(name="plugins")
def _plugins(monkeypatch):
    """Return plugins made of modules by entry point name; None for one that does not exist."""

    def make(**modules):
        for name, module in modules.items():
            if module is not None:
                monkeypatch.setitem(sys.modules, f"module_{name}", module)
        return Plugins([EntryPoint(name, f"module_{name}", "dsvc") for name in modules])

    return make


def test_a_plugin_is_found_by_what_it_offers(plugins):
    """Not by the name of its package."""
    found = plugins(one=offering({"zero": Zero}), two=offering({"nought": Zero}))

    assert Zero is found.get_transform("nought")
    assert ["nought", "zero"] == found.names("transform")
    assert [] == found.names("feed")
    assert {} == found.broken


def test_a_name_that_nobody_offers(plugins):
    """The error lists what there is, with the nearest."""
    with pytest.raises(PluginNotFoundError) as caught:
        plugins(one=offering({"laplacian_blur": Zero, "zero": Zero})).get_transform("laplacian_blr")

    assert "no plugin offers the transform 'laplacian_blr'; there are: laplacian_blur, zero" == str(caught.value)
    assert "did you mean 'laplacian_blur'?" == caught.value.hint
    with pytest.raises(PluginNotFoundError, match="there are: none") as caught:
        plugins().get_feed("files")
    assert "install the package that offers 'files'" == caught.value.hint


@pytest.mark.parametrize(
    "broken,hook,reason",
    [
        (None, "load", "cannot be loaded from 'module_bad': ModuleNotFoundError: No module named 'module_bad'"),
        (offering(ValueError("no licence")), "dsvc_transforms", "ValueError: no licence"),
        (offering([Zero]), "dsvc_transforms", "must return names and classes, returned list"),
        (offering({"x": int}), "dsvc_transforms", "'x': expected a subclass of Transform, found <class 'int'>"),
        (offering({"x": Zero({})}), "dsvc_transforms", "'x': expected a subclass of Transform, found "),
        (offering({1: Zero}), "dsvc_transforms", "1: expected a subclass of Transform, found "),
    ],
    ids=["cannot be imported", "raises", "a list", "no transform", "an instance", "no name"],
)
def test_a_broken_plugin_is_named_and_breaks_nothing_else(plugins, broken, hook, reason):
    """What others offer is found; only who asks for what nobody offers hears of it, with the cause."""
    found = plugins(bad=broken, good=offering({"zero": Zero}))
    assert Zero is found.get_transform("zero")
    assert ["zero"] == found.names("transform")
    assert {"bad"} == set(found.broken)

    with pytest.raises(PluginError) as caught:
        found.get_transform("x")
    assert ("bad", hook) == (caught.value.plugin, caught.value.hook)
    assert caught.value.reason.startswith(reason)
    assert caught.value.reason.endswith("; no other plugin offers the transform 'x' (broken: 'bad')")
    assert not isinstance(caught.value, PluginNotFoundError)


def test_an_unknown_hook_is_a_broken_plugin(plugins):
    """A misspelt hook would otherwise never be asked."""
    module = ModuleType("plugin")

    @hookimpl
    def dsvc_transform():
        return {}

    module.dsvc_transform = dsvc_transform
    found = plugins(bad=module, good=offering({"zero": Zero}))

    assert Zero is found.get_transform("zero")
    assert "unknown hook 'dsvc_transform'" in found.broken["bad"].reason


def test_two_plugins_with_one_name(plugins):
    """Neither is taken; both are named, and every other name works."""
    found = plugins(one=offering({"zero": Zero, "a": Zero}), two=offering({"zero": Zero}))

    assert Zero is found.get_transform("a")
    with pytest.raises(PluginError, match="offered by 'one' and 'two'"):
        found.get_transform("zero")


def test_nothing_is_loaded_before_something_is_asked(plugins):
    """Making the manager imports no plugin, and a hook is asked once."""
    asked = []
    module = ModuleType("plugin")

    @hookimpl
    def dsvc_transforms():
        asked.append(1)
        return {"zero": Zero}

    module.dsvc_transforms = dsvc_transforms
    found = plugins(one=module)
    assert [] == asked
    found.get_transform("zero")
    found.get_transform("zero")

    assert [1] == asked


def test_pluggy_is_loaded_by_the_manager_alone():
    """The contracts are there for whoever needs no plugin."""
    code = "import sys, dsvc.plugins, dsvc.plugins.contracts, dsvc.plugins.pixels; print('pluggy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "False" == done.stdout.strip()


def test_our_own_plugins_are_declared_like_any():
    """By entry points of our package, which are loaded without error."""
    import tomllib
    from pathlib import Path

    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    declared = project["project"]["entry-points"]["dsvc"]
    found = Plugins([EntryPoint(name, module, "dsvc") for name, module in declared.items()])

    assert ["files", "mongodb"] == found.names("feed")
    assert ["arrow", "csv", "jsonl", "parquet"] == found.names("exporter")
    assert {} == found.broken
