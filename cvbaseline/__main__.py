"""`python -m cvbaseline` is the console script `cvbaseline`."""

import sys

from cvbaseline.cli import main

if __name__ == "__main__":
    sys.exit(main())
