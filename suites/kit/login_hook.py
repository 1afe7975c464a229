"""The Python function a target file names for logins that data cannot describe: `login.hook = "file.py:function"`."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page

from suites.kit.outcomes import BadTarget
from suites.kit.recipe import Choices, Identity
from suites.kit.target import Login


def hook(login: Login) -> Callable[[Page, Identity, Choices], None] | None:
    """The function a target file names for logins that data cannot describe."""
    if not login.hook:
        return None
    file, _, name = login.hook.partition(":")
    spec = importlib.util.spec_from_file_location("login_hook", Path(file))
    if spec is None or spec.loader is None or not Path(file).exists():
        raise BadTarget(f"login.hook: no Python file {file!r}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    function = getattr(module, name, None)
    if not callable(function):
        raise BadTarget(f"login.hook: {file} has no function {name!r}")
    return function  # type: ignore[no-any-return]
