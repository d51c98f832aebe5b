"""From the journal file to frames: a thread that follows and folds, a pump that takes what changed."""
