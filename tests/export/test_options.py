import pytest

from dsvc.errors import ConfigError, PluginNotFoundError
from dsvc.export.options import make_exporter
from dsvc.export.parquet import ParquetExporter
from dsvc.plugins.manager import Plugins


class Offered(Plugins):
    """Parquet alone."""

    def __init__(self):
        super().__init__([])

    def get_exporter(self, name):
        return ParquetExporter if name == "parquet" else super().get_exporter(name)


def test_options_are_filled_in():
    """What is not given has its default; all of them make the exporter."""
    exporter, options = make_exporter(Offered(), "parquet", {})
    assert {"compression": "zstd"} == options == exporter.values
    _, options = make_exporter(Offered(), "parquet", {"compression": "none"})
    assert {"compression": "none"} == options


@pytest.mark.parametrize("given, named", [({"compresion": "zstd"}, "compression"), ({"compression": "zst"}, "zstd")])
def test_wrong_options_are_named(given, named):
    """An unknown option and an unknown value say what there is."""
    with pytest.raises(ConfigError, match="parquet") as caught:
        make_exporter(Offered(), "parquet", given)
    assert named in caught.value.hint


def test_unknown_formats(monkeypatch):
    """A format that nobody offers is named."""
    with pytest.raises(PluginNotFoundError, match="xlsx"):
        make_exporter(Offered(), "xlsx", {})
