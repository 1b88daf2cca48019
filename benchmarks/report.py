"""The table that the benchmark prints, and the description of the machine it was measured on."""

import json
import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median

LIBRARIES = ("dsvc", "pyarrow", "numpy", "lmdb", "blake3", "duckdb", "pylance", "dvc")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One operation: what it has to reach, what was measured, and how its peers did in the same run."""

    operation: str
    bar: str
    aim: str
    measured: str
    passed: bool
    """True when every figure is within its bar."""

    parquet: str = "-"
    lance: str = "-"
    figures: dict[str, list[float]] = field(default_factory=dict)
    """The numbers behind the words, one per run: seconds (`_s`), bytes (`_bytes`), ratios; for --json."""


def format_time(seconds: float) -> str:
    """Return a time in the unit it reads best in, to about three digits."""
    if seconds >= 1:
        return f"{seconds:.2f} s"
    return f"{seconds * 1e3:.{0 if seconds >= 0.1 else 1 if seconds >= 0.01 else 2}f} ms"


def format_median(seconds: Sequence[float]) -> str:
    """Return the median of some times, or a dash for none."""
    return format_time(median(seconds)) if seconds else "-"


def format_size(size_bytes: float) -> str:
    """Return a size in the binary unit it reads best in."""
    for unit in ("B", "KiB", "MiB"):
        if size_bytes < 1024:
            return f"{size_bytes:.{0 if unit == 'B' else 1}f} {unit}"
        size_bytes /= 1024
    return f"{size_bytes:.2f} GiB"


def describe_machine() -> dict[str, str]:
    """Return what the figures depend on beside the code: processor, memory, system and library versions."""
    cpu_info = Path("/proc/cpuinfo")
    lines = cpu_info.read_text(encoding="utf-8").splitlines() if cpu_info.exists() else []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": f"{model or platform.machine()}, {os.cpu_count()} cores",
        "memory": format_size(memory),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        **{name: found for name in LIBRARIES if (found := _find_version(name)) is not None},
    }


def render_markdown(rows: Iterable[Row], machine: dict[str, str], title: str) -> str:
    """Return the Markdown table with the machine below it."""
    lines = [
        f"{title}",
        "",
        "| operation | bar | aim | measured | | Parquet (pyarrow) | Lance |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        verdict = "ok" if row.passed else "**over**"
        lines.append(
            f"| {row.operation} | {row.bar} | {row.aim} | {row.measured} | {verdict} | {row.parquet} | {row.lance} |"
        )
    lines += ["", "Measured on: " + "; ".join(f"{name} {value}" for name, value in machine.items()) + "."]
    return "\n".join(lines)


def render_json(rows: Iterable[Row], machine: dict[str, str], options: dict[str, object]) -> str:
    """Return one JSON object with the machine, the options and every row."""
    return json.dumps({"machine": machine, "options": options, "rows": [asdict(row) for row in rows]}, indent=2)


def _find_version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
