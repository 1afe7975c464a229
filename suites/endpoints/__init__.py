"""Checks of this chapter: endpoints and profiles that a payer's own documents promise by name."""
