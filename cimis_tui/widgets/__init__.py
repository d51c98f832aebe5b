"""One widget a file. They paint cells and frames and know nothing of the engine."""
