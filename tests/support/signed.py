"""The signature of a decision that a test makes."""

from typing import Final

from orchestrator.store.account.acts import Signature

SIGNED: Final = Signature(who="ada", host="here", command="a test", why="to see what happens")
