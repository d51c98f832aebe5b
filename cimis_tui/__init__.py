"""What a person's terminal shows: the dashboard and the command line. Uses the engine's public names only."""
