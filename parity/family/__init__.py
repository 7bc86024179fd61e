"""Programs drawn over the whole family, each proven step by step, and a disagreement shrunk to its smallest program."""
