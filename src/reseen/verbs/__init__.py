"""What the commands do, one function each, for the command line and for Python."""
