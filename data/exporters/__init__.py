"""Files that go out: one module for each format."""
