"""The proof of the proof: bugs planted in the port, each of which must be killed where its description says."""
