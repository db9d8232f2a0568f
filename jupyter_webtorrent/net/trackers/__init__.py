"""Clients of trackers: one module a protocol."""
