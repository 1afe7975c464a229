"""Checks of this chapter: what the payer received or adjudicated is visible one business day later."""
