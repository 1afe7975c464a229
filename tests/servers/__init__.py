"""The suites against whole servers: every deployment, servers not ours, faulty ones, TLS of every kind. `make servers` runs them."""
