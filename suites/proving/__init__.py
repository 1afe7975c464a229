"""`prove`: the suites are shown to catch what they claim to catch.

The checks run against the reference payer (green), its odd but legal variants (green), the deployments of the founding documents (their
known findings and no others), and one mutant for each declared fault (red, and red only where the fault says so). Both ends are met as
a user meets them: the payer is a `patient-access serve` process with its control interface, the checks are pytest items.
"""
