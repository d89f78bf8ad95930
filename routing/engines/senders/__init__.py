"""Handing messages over."""
