"""What a person types: `python -m parity` and its words. `options.py` is light; each other file is a command."""
