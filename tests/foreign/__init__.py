"""Servers not ours that tests start."""
