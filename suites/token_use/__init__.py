"""Checks of this chapter: what opens the FHIR interface and what does not."""
