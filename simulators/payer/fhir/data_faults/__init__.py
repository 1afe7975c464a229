"""Content that is wrong in one way a requirement names, each a fault of the rule that resources leave as stored (served.py)."""
