"""The command line: a file per command; each reads arguments, calls the library and prints a report."""

from axisrules.cli.main import main

__all__ = ["main"]
