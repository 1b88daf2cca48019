"""`python -m dsvc` is `dsvc`."""

import sys

from dsvc.cli import main

if __name__ == "__main__":
    sys.exit(main())
