"""`python -m hookpoint`, for where the command is not on the path."""

from hookpoint.cli import main

main(prog_name="hookpoint")
