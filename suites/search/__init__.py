"""Checks of this chapter: what every FHIR search does whatever the type: results, links, order, modifiers, chains, pages."""
