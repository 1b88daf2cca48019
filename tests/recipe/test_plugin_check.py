"""What is told of an installed plugin: each thing that can be wrong with one is found and named."""

import sys
from importlib.metadata import Distribution, EntryPoint
from types import ModuleType

import pytest

from dsvc.plugins.contracts import Exporter, Feed, Outcome, Producer, Transform
from dsvc.plugins.hookspecs import hookimpl
from dsvc.plugins.manager import Plugins
from dsvc.plugins.options import Option
from dsvc.recipe.plugin_check import PluginReport, check_plugins, unmet_needs


class Good(Transform):
    """A transform that gives 0."""

    version, output, inputs = "1", "int64", {"faces": "boxes", "any": None}
    parameters = {"scale": Option(float, "what to multiply by", 1.0)}

    def __call__(self, batch, pixels=None):
        return Outcome([0] * batch.num_rows)


class GoodFeed(Feed):
    """A feed of nothing."""

    options = {"path": Option(str, "where")}
    meaning_keys = ("path",)

    def read(self, cursor=None):
        yield from ()


class GoodExporter(Exporter):
    """Empty files."""

    suffix = ".json.gz"

    def write(self, batches, schema, path):
        path.write_bytes(b"")


class GoodProducer(Producer):
    """A worker that gives scores."""

    output, accept, adapter_version = "score", ">=1,<3", "1"

    def adapt(self, version, raw):
        return raw


@pytest.fixture(name="plugins")
def _plugins(monkeypatch):
    """Return plugins whose modules offer these things: entry point name -> kind -> name -> class."""

    def make(**offers):
        entries = []
        for plugin, kinds in offers.items():
            module = ModuleType(f"module_{plugin}")
            for kind, offered in kinds.items():

                def hook(offered=offered):
                    return offered

                hook.__name__ = f"dsvc_{kind}s"
                # pluggy hands over no argument that has a default.
                setattr(module, hook.__name__, hookimpl(hook))
            monkeypatch.setitem(sys.modules, module.__name__, module)
            entries.append(EntryPoint(plugin, module.__name__, "dsvc"))
        return Plugins(entries)

    return make


def problems(plugins):
    """Return what is found of plugins, by their names."""
    return {report.name: list(report.problems) for report in check_plugins(plugins)}


def test_a_plugin_that_is_well_has_no_problems(plugins):
    """And all that it offers is told, of every kind."""
    found = plugins(
        ours={
            "transform": {"good": Good},
            "feed": {"good-feed": GoodFeed},
            "exporter": {"good_format": GoodExporter},
            "producer": {"worker": GoodProducer},
        }
    )
    offers = (("feed", "good-feed"), ("transform", "good"), ("producer", "worker"), ("exporter", "good_format"))

    assert [PluginReport("ours", None, None, offers)] == check_plugins(found)


def changed(base, /, **attributes):
    """Return a class with other attributes."""
    return type(base.__name__, (base,), {"__doc__": "Another.", **attributes})


class Lacking(Feed):
    """A feed that cannot read."""


class Silent(Exporter):
    suffix = ".x"

    def write(self, batches, schema, path):
        pass


@pytest.mark.parametrize(
    "kind,offer,problem",
    [
        ("transform", changed(Good, version=""), "version: expected a text, found ''"),
        ("transform", changed(Good, version=2), "version: expected a text, found 2"),
        ("transform", changed(Good, output="boxs"), "output: there is no type 'boxs'"),
        ("transform", changed(Good, output=None), "output: expected a type, found None"),
        ("transform", changed(Good, inputs={"a": "strng"}), "inputs: 'a': there is no type 'strng'"),
        ("transform", changed(Good, kind="mop"), "kind: expected one of global, group, map, found 'mop'"),
        ("transform", changed(Good, parameters=[1]), "parameters: expected key -> Option, found [1]"),
        ("transform", changed(Good, parameters={"a": 1}), "parameters: 'a': expected an Option, found 1"),
        ("transform", changed(Good, parameters={"A b": Option(int, "x")}), "parameters: 'A b' is no key of a recipe"),
        ("transform", changed(Good, parameters={"a": Option(int, "")}), "parameters: 'a' is not explained"),
        (
            "transform",
            changed(Good, parameters={"a": Option(int, "x", "y")}),
            "parameters: 'a': the default 'y' is not an integer",
        ),
        (
            "transform",
            changed(Good, parameters={"a": Option(str, "x", "c", ("a", "b"))}),
            "parameters: 'a': the default 'c' is not one of 'a', 'b'",
        ),
        ("feed", changed(GoodFeed, meaning_keys=("path", "url")), "meaning_keys: 'url' not among its options"),
        ("feed", Lacking, "Lacking lacks read"),
        ("exporter", changed(GoodExporter, suffix="json"), "suffix: expected a dot and lower-case letters or digits"),
        (
            "exporter",
            changed(GoodExporter, suffix="../x"),
            "suffix: expected a dot and lower-case letters or digits, found '../x'",
        ),
        ("exporter", Silent, "Silent has no docstring that says what it is"),
        ("producer", changed(GoodProducer, accept="about 2"), "accept: "),
        ("producer", changed(GoodProducer, output="scores"), "output: there is no type 'scores'"),
        ("producer", changed(GoodProducer, adapter_version=""), "adapter_version: expected a text, found ''"),
    ],
)
def test_what_is_declared_wrong_is_found(plugins, kind, offer, problem):
    """With the kind and the name of what is wrong."""
    (found,) = problems(plugins(ours={kind: {"x": offer}}))["ours"]

    assert found.startswith(f"{kind} 'x': {problem}")


@pytest.mark.parametrize("name", ["X", "1x", "a b", "", "a" * 64])
def test_a_name_can_be_written_in_a_recipe(plugins, name):
    """Without quotes, and typed without a mistake."""
    (found,) = problems(plugins(ours={"transform": {name: Good}}))["ours"]

    assert "a name is lower-case letters" in found


def test_a_clash_is_told_of_both(plugins):
    """Neither can be used."""
    found = problems(plugins(one={"transform": {"x": Good, "y": Good}}, two={"transform": {"x": Good}}))

    assert {"one": ["transform 'x': offered by 'two' too"], "two": ["transform 'x': offered by 'one' too"]} == found


def test_a_plugin_that_does_not_load_is_told(plugins, monkeypatch):
    """With the reason; the others are checked."""
    found = plugins(bad={}, good={"transform": {"x": Good}})
    monkeypatch.delitem(sys.modules, "module_bad")
    told = problems(found)

    assert [] == told["good"]
    assert ["load: cannot be loaded from 'module_bad': ModuleNotFoundError: No module named 'module_bad'"] == told[
        "bad"
    ]


def test_a_hook_that_breaks_is_told(plugins):
    """As what it returned."""
    assert ["dsvc_transforms: must return names and classes, returned list"] == problems(
        plugins(ours={"transform": [Good]})
    )["ours"]


def test_a_plugin_without_offers_is_told(plugins):
    """Somebody forgot `@hookimpl`, perhaps."""
    assert ["it offers nothing: no hook of it gives a name"] == problems(plugins(ours={}))["ours"]


class Package(Distribution):
    """A package that needs something."""

    def __init__(self, *needs):
        self.needs = needs

    def read_text(self, filename):
        lines = ["Metadata-Version: 2.1", "Name: dsvc-x", "Version: 7", *(f"Requires-Dist: {n}" for n in self.needs)]
        return "\n".join(lines) if filename == "METADATA" else None

    def locate_file(self, path):
        return path


@pytest.mark.parametrize(
    "needs,problem",
    [
        ("dsvc>=0.1", None),
        ("dsvc<2,>=0.1", None),
        ("dsvc (>=0.1)", None),
        ("dsvc[s3]>=0.1", None),
        ("dsvc", None),
        ("dsvc>=99; extra == 'x'", None),
        ("dsvc-other>=99", None),
        ("numpy>=99", None),
        ("dsvc>=99", "it needs dsvc >=99, and this is 1.5"),
        ("dsvc[s3]<1", "it needs dsvc <1, and this is 1.5"),
    ],
)
def test_a_package_that_needs_another_dsvc_is_told(monkeypatch, needs, problem):
    """By what its metadata says; other packages are pip's business."""
    monkeypatch.setattr("dsvc.recipe.plugin_check.version", lambda _: "1.5")
    entry = EntryPoint("x", "x", "dsvc")._for(Package("click", needs))

    assert [problem] * (problem is not None) == list(unmet_needs(entry))


def test_the_package_is_named(plugins):
    """With its version."""
    entry = EntryPoint("exporters", "dsvc.export.plugin", "dsvc")._for(Package())
    (report,) = check_plugins(Plugins([entry]))

    assert ("dsvc-x", "7") == (report.package, report.version)


def test_our_own_plugins_are_well():
    """What comes with dsvc keeps what it asks of others."""
    import tomllib
    from pathlib import Path

    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    declared = project["project"]["entry-points"]["dsvc"]
    reports = check_plugins(Plugins([EntryPoint(name, module, "dsvc") for name, module in declared.items()]))

    assert {report.name: () for report in reports} == {report.name: report.problems for report in reports}
    assert all(report.offers for report in reports)
