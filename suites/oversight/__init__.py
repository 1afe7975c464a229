"""Checks of this chapter: what the payer's own people do and see: vetting and suspension of apps, logs. On our own simulator only."""
