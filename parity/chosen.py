"""Which steps are looked at one by one unless asked otherwise; apart, so that `--help` imports nothing."""

STEPS = (0, 1, 2, 5, 10, 30, 100, 200, 300)  # at which both sides start from the same weights
