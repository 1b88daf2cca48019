"""What an installed producer adds to a signal, and what a recipe that names one means without it."""

from dataclasses import replace
from importlib.metadata import EntryPoint
from types import ModuleType

import pytest

from dsvc.errors import PluginError
from dsvc.objects.types import parse_type
from dsvc.plugins import Producer, hookimpl
from dsvc.plugins.manager import Plugins
from dsvc.recipe.hashing import ingest_hash, signal_definition
from dsvc.recipe.load import load_recipe
from dsvc.recipe.producers import load_adapt
from dsvc.recipe.versions import EVERY_VERSION, VersionRange

HEAD = '[feed.f]\nplugin = "files"\npath = "x.jsonl"\npointer = "p"\n'
SIGNAL = '[signal.face_detection]\nfrom = "f"\nvalue = "v"\nversion = "n"\n'


class Detector(Producer):
    """Version 1 wrote rows of numbers."""

    output, accept, adapter_version = "boxes", ">=1,<3", "7"

    def adapt(self, version, raw):
        return [dict(zip("xywh", row, strict=True)) for row in raw] if version == "1" else raw


@pytest.fixture(name="install")
def _install(monkeypatch):
    """Return plugins of the installation, with one more that offers these producers; None for a broken one."""
    files = EntryPoint("files", "dsvc.feeds.plugin", "dsvc")

    def install(**producers):
        module = ModuleType("a_plugin")

        @hookimpl
        def dsvc_producers():
            return producers

        module.dsvc_producers = dsvc_producers
        monkeypatch.setitem(__import__("sys").modules, "a_plugin", module)
        return Plugins([files, EntryPoint("ours", "a_plugin", "dsvc")])

    return install


def load(recipe, plugins, more=""):
    """Return the signal of a recipe."""
    recipe.toml(HEAD + SIGNAL + more)
    return load_recipe(recipe.path, plugins=plugins).signals["face_detection"]


def test_a_named_producer_says_what_the_recipe_does_not(recipe, install):
    """Its type, the versions it knows, and its adapters."""
    plugins = install(detector=Detector)
    signal = load(recipe, plugins, 'producer = "detector"\n')

    assert (parse_type("boxes"), VersionRange.parse(">=1,<3"), "7") == (
        signal.type,
        signal.accept,
        signal.adapter_version,
    )
    assert [{"x": 1, "y": 2, "w": 3, "h": 4}] == load_adapt(signal, plugins)("1", [[1, 2, 3, 4]])


@pytest.mark.parametrize(
    "line,key,expected",
    [
        ('type = "text"', "type", parse_type("text")),
        ('accept = "*"', "accept", EVERY_VERSION),
        ('accept = ">=1,<9"', "accept", VersionRange.parse(">=1,<9")),
    ],
    ids=["type", "every version", "a range"],
)
def test_what_the_recipe_gives_stays(recipe, install, line, key, expected):
    """Each key on its own; the others are the producer's."""
    signal = load(recipe, install(detector=Detector), f'producer = "detector"\n{line}\n')
    others = replace(load(recipe, install(detector=Detector), 'producer = "detector"\n'), **{key: expected})

    assert others == signal


def test_a_range_of_formats_goes_before_the_producer(recipe, install):
    """A version that the package does not know yet can be taken in beside those it does."""
    plugins = install(detector=Detector)
    signal = load(recipe, plugins, 'producer = "detector"\naccept = "*"\nformats = { ">=3" = "mine:newest" }\n')

    assert ["mine:newest", None] == [signal.adapter(version) for version in ("3", "1")]
    assert "7" == signal.adapter_version


@pytest.mark.parametrize("more", ["", 'producer = "another"\n'], ids=["none named", "one that is not installed"])
def test_without_a_plugin_of_that_name_nothing_is_added(recipe, install, more):
    """Not even where the signal itself has the name of a producer."""
    plugins = install(face_detection=Detector)
    signal = load(recipe, plugins, more)

    assert (None, EVERY_VERSION, None) == (signal.type, signal.accept, signal.adapter_version)
    assert load_adapt(signal, plugins) is None
    assert load(recipe, None, more) == signal


def test_identities_are_those_of_before_without_a_producer(recipe, install):
    """What is installed beside moves no hash; a producer is in both identities, by the version of its adapter."""
    plain = load(recipe, None, 'producer = "detector"\ntype = "boxes"\naccept = ">=1,<3"\n')
    signal = load(recipe, install(detector=Detector), 'producer = "detector"\n')
    each = [replace(signal, adapter_version=version) for version in (None, "7", "8")]
    hashes = [ingest_hash(spec, parse_type("boxes"), recipe.path) for spec in each]
    definitions = [signal_definition(spec, recipe.path) for spec in each]

    assert plain == each[0]
    assert (3, 3) == (len(set(hashes)), len(set(definitions)))


def test_the_identity_of_a_producer_is_pinned(recipe, install):
    """As every identity is."""
    signal = load(recipe, install(detector=Detector), 'producer = "detector"\n')

    expected = "2b0778669bc7ab57b703c56f4c4c603c305985bf489bfee29e2aee5089d728b2"
    assert expected == ingest_hash(signal, parse_type("boxes"), recipe.path).hex()


@pytest.mark.parametrize(
    "declared",
    [{"output": "boxs"}, {"accept": "1"}, {"adapter_version": property()}],
    ids=["no type", "no range", "no version"],
)
def test_a_wrong_declaration_names_the_producer(recipe, install, declared):
    """It is no fault of the recipe."""
    broken = type("Broken", (Detector,), declared)
    if "adapter_version" in declared:
        broken = type("Broken", (Producer,), {"output": "boxes", "accept": "*", "adapt": Detector.adapt})

    with pytest.raises(PluginError, match=r"plugin 'detector', dsvc_producers: what it declares is wrong"):
        load(recipe, install(detector=broken), 'producer = "detector"\n')


def test_a_broken_plugin_might_be_the_one(recipe):
    """Outputs are not taken as they are because their package cannot be loaded; who names no producer does not ask."""
    plugins = Plugins([EntryPoint("files", "dsvc.feeds.plugin", "dsvc"), EntryPoint("bad", "no_such_module", "dsvc")])

    assert load(recipe, plugins).adapter_version is None
    with pytest.raises(PluginError, match="no other plugin offers the producer 'detector'"):
        load(recipe, plugins, 'producer = "detector"\n')
