"""Makes `pytest suites --target target.toml` work: the plugin and the ladder of fixtures."""

pytest_plugins = ("suites.kit.plugin", "suites.kit.fixtures", "suites.record.generation", "suites.isolation.options")
