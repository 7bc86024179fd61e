"""Mutants of the whole family: of each optimizer, schedule, draw, loss, activation, penalty and clipping."""
