"""The conformance report: one HTML file that opens anywhere, and side pages for evidence it cannot hold."""
