"""The version, for people and for peers."""

__version__ = "0.1.0"

CLIENT = f"jupyter-webtorrent {__version__}"
"""What peers are told (BEP 10, `v`)."""
