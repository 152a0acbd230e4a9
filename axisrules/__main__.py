"""`python -m axisrules`: the command line without its script."""

import sys

from axisrules.cli import main

sys.exit(main())
