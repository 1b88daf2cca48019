"""Pins vectors that are not pinned yet: python tests/golden/make.py [--replace].

Without `--replace` a vector that is pinned already and would change is an error, and nothing is written.
"""

import json
import sys
from pathlib import Path

from cases import vectors

PATH = Path(__file__).parent / "vectors.json"


def main() -> int:
    """Write vectors.json; return the exit code."""
    old = json.loads(PATH.read_text(encoding="utf-8")) if PATH.exists() else {}
    new = vectors()
    changed = [name for name in old if old[name] != new.get(name)]
    if changed and "--replace" not in sys.argv[1:]:
        print(f"would change: {', '.join(changed)}", file=sys.stderr)
        return 1
    PATH.write_text(json.dumps(new, indent=1, ensure_ascii=True, sort_keys=True) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
