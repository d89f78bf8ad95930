"""Rows and blobs on one side, frozen values on the other."""
