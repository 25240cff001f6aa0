"""The command line and other ways in: they parse, call and print."""
