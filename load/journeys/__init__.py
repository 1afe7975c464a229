"""Members' journeys, one user story a file; each offers `story(user)` called in a loop, or `Proof` for a sequence."""
