"""The command line: one file a group of commands. Nothing here is imported before it is asked for (see `parser`)."""
