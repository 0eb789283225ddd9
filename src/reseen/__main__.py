"""`python -m reseen`."""

from reseen.cli.app import main

if __name__ == "__main__":  # a process that is started by another one imports this file too
    main()
