"""Python runs this at the start of each process that has the directory in its path."""

from dagshim.default import install

install()
