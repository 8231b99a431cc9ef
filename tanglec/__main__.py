"""`python -m tanglec` is the command `tanglec`; torchrun needs it."""

from tanglec.cli.app import main

main()
