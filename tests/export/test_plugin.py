from dsvc.export import plugin
from dsvc.plugins.contracts import Exporter


def test_hook_dsvc_exporters():
    """Our formats are offered by the hook that anyone's are, each with a suffix of its own."""
    found = plugin.dsvc_exporters()
    assert ["arrow", "csv", "jsonl", "parquet"] == sorted(found)
    assert all(issubclass(kind, Exporter) for kind in found.values())
    assert {f".{name}" for name in found} == {kind.suffix for kind in found.values()}
