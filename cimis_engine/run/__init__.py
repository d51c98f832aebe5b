"""One execution over a plan: the engine, its ledger, its journal of events, and the state folded from them."""
