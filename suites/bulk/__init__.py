"""Checks of this chapter: Bulk Data export, where it is advertised."""
