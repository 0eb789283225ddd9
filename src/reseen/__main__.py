"""`python -m reseen`."""

from importlib.util import find_spec

if find_spec("typer") is not None and find_spec("rich") is not None:
    from reseen.cli.app import main
else:
    from reseen.cli.bare import main

if __name__ == "__main__":  # a process that is started by another one imports this file too
    main()
