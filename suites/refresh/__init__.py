"""Checks of this chapter: refresh tokens: subset, binding, rotation, reuse."""
