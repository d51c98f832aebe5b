"""One screen a file: composition, keys to deeds, nothing that could be pure."""
