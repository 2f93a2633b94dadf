"""Asking what https inputs serve now."""

from collections.abc import Callable, Mapping, Sequence

AskAddresses = Callable[[Sequence[str]], Mapping[str, str]]
"""Asks once for each address, and gives a validator or a mark of `core.url_inputs` for each; those that there
was no time for are left out. Blocks, and raises nothing of the network's.
"""
