"""Checks of this chapter: the HTTP side of FHIR beside searching: formats, conditional reads, operations."""
