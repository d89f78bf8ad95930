"""Files that come in: one module for each format."""
