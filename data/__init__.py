"""Keeps: tables, the store, page reads, importers and exporters, on SQLite and PostgreSQL."""
