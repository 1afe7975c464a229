"""Checks of this chapter: prior authorizations of items and services, as CMS-0057-F asks for them (42 CFR 431.60(b)(5))."""
