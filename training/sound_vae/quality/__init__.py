"""What a model is worth: figures, the comparison with the served one, the report of a run."""
