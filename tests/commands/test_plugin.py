"""`dsvc plugin`."""

from dsvc.errors import PluginError


class FewPlugins:
    broken = {}

    def names(self, kind):
        return {"feed": ["files", "mongodb"], "producer": ["haar"]}.get(kind, [])


def test_plugins_are_listed_by_kind(shell, monkeypatch):
    """One line for each thing that a plugin offers."""
    monkeypatch.setattr("dsvc.plugins.manager.Plugins", FewPlugins)
    monkeypatch.setattr("importlib.metadata.entry_points", lambda **_: [])

    assert ["feed      files", "feed      mongodb", "producer  haar"] == shell("plugin", "ls").lines
    assert [{"type": "plugin", "kind": "feed", "name": "files"}] == shell.json("plugin", "ls")[:1]


def test_broken_plugin_is_shown_and_fails(shell, monkeypatch):
    """The others are listed; the exit status says that one is broken."""

    class Broken(FewPlugins):
        broken = {"bad": PluginError(plugin="bad", hook="load", reason="no such module")}

    monkeypatch.setattr("dsvc.plugins.manager.Plugins", Broken)
    result = shell("plugin", "ls", expect=3)

    assert "no such module" in result.out
