"""The demo: a wholesaler in Helsinki on Tuesday at 05:40, made by the same services that a real day uses."""
