"""What watches a run: its folder, the console, pictures. Each is an `Observer`; none changes what is trained."""
