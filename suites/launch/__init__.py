"""Checks of this chapter: the SMART standalone launch, step by step."""
