"""What a proof says: its types, and text, JSON, JUnit XML and a page made of it."""
