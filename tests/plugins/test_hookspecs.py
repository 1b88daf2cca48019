"""Each hook, implemented by a plugin and asked by dsvc."""

import inspect
from concurrent.futures import Future
from importlib.metadata import EntryPoint
from types import ModuleType

import pytest

from dsvc.plugins import hookspecs
from dsvc.plugins.contracts import Executor, Exporter, Feed, Outcome, Producer, Transform
from dsvc.plugins.hookspecs import hookimpl
from dsvc.plugins.manager import Plugins
from dsvc.plugins.platforms import Capabilities, Platform


class Nothing(Feed):
    """A feed without documents."""

    def read(self, cursor=None):
        yield from ()


class Zero(Transform):
    """A transform that gives 0."""

    version, output = "1", "int64"

    def __call__(self, batch, pixels=None):
        return Outcome([0] * batch.num_rows)


class Detector(Producer):
    """A detector whose outputs are boxes from the start."""

    output, accept, adapter_version = "boxes", ">=1", "1"

    def adapt(self, version, raw):
        return raw


class Empty(Exporter):
    """An exporter of empty files."""

    suffix = ".empty"

    def write(self, batches, schema, path):
        path.write_bytes(b"")


@pytest.fixture(name="install")
def _install(monkeypatch):
    """Return plugins with one whose module has these hooks."""

    def install(**hooks):
        module = ModuleType("a_plugin")
        for name, implementation in hooks.items():
            implementation.__name__ = name
            setattr(module, name, hookimpl(implementation))
        monkeypatch.setitem(__import__("sys").modules, "a_plugin", module)
        return Plugins([EntryPoint("ours", "a_plugin", "dsvc")])

    return install


def test_hook_dsvc_feeds(install):
    """A feed is found by the name that a recipe gives."""
    assert Nothing is install(dsvc_feeds=lambda: {"nothing": Nothing}).get_feed("nothing")


def test_hook_dsvc_transforms(install):
    """A transform is found by its name."""
    assert Zero is install(dsvc_transforms=lambda: {"zero": Zero}).get_transform("zero")


def test_hook_dsvc_producers(install):
    """A producer is found by its name; one that nobody offers is none, and no error."""
    plugins = install(dsvc_producers=lambda: {"detector": Detector})

    assert (Detector, None) == (plugins.find_producer("detector"), plugins.find_producer("another"))


def test_hook_dsvc_exporters(install):
    """An exporter is found by its format."""
    assert Empty is install(dsvc_exporters=lambda: {"empty": Empty}).get_exporter("empty")


class Here(Executor):
    """An executor that calls in this process."""

    @classmethod
    def default_workers(cls):
        return 1

    def submit(self, task, batch):
        future = Future()
        future.set_result(task(batch))
        return future

    def close(self):
        pass


def test_hook_dsvc_executors(install):
    """An executor is found by the name that `run --executor` gives."""
    assert Here is install(dsvc_executors=lambda: {"here": Here}).get_executor("here")


class Nobody(Platform):
    """A platform where nobody works."""

    @property
    def capabilities(self):
        return Capabilities("pointer")

    def post(self, form, questions):
        return []

    def poll(self, form, cursor=None):
        yield from ()

    def iter_tasks(self, form):
        yield from ()

    def withdraw(self, form, task_id):
        return "gone"

    def discard(self, form, task_id):
        return "gone"

    def check(self):
        return []


def test_hook_dsvc_platforms(install):
    """A platform is found by the name that the `plugin` of `[platform.NAME]` gives."""
    assert Nobody is install(dsvc_platforms=lambda: {"nobody": Nobody}).get_platform("nobody")


def test_every_hook_has_a_test():
    """And says in its docstring what it returns."""
    hooks = {name: hook for name, hook in vars(hookspecs).items() if name.startswith("dsvc_")}

    assert hooks
    assert [] == [name for name in hooks if f"test_hook_{name}" not in globals()]
    assert [] == [name for name, hook in hooks.items() if not (inspect.getdoc(hook) or "").startswith("Return ")]
