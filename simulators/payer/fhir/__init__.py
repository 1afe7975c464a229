"""The FHIR APIs of the payer: member data, provider directory, formulary."""
