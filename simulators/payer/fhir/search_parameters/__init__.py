"""Search parameters and capabilities by guide, compiled from the official packages (compile_parameters.py)."""
