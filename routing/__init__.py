"""Decides: the values, rules, engines and services of a day of delivery. Imports nothing of `data` or `web`."""
