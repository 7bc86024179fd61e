"""How far honest rounding may go: the float64 truth of a step, the ensemble of a free run, the spread of many seeds."""
