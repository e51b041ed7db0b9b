"""How it is learned: what a run is told, the optimisation, and going on after an interruption."""
