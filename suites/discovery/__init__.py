"""Checks of this chapter: what a server tells about itself before anyone signs in."""
