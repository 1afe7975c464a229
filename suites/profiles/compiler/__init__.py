"""Official FHIR packages to tables of facts."""
