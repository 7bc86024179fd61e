"""The stopwatch: `python -m bench` times jaxmlp's engines against the programs a user would otherwise run."""
