"""`python -m reseen`."""

from reseen.cli.app import main

main()
