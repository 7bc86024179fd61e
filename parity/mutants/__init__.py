"""The proof of the proof: mutants of the port, each of which must be killed where its description says."""
