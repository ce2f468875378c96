"""The command line: one module per verb, loaded when it is called."""

from ase_bimetal.cli.app import main

__all__ = ["main"]
