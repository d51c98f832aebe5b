"""Pure presenters: what the fold holds, turned into cells of text and role. No widgets, no I/O, no clock."""
