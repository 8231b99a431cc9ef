"""`python -m tanglec.cli` is the command `tanglec`."""

from tanglec.cli.app import main

main()
