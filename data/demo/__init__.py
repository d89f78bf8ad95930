"""The sample data of the demo, with its sources and licences."""
