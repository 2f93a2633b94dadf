"""The provider as the program sees it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from orchestrator.core.specs import LocalImage
from orchestrator.ports.outcomes import (
    BalanceOutcome,
    BillingOutcome,
    ListOutcome,
    QuoteOutcome,
    ResultOutcome,
    SubmitOutcome,
    UploadOutcome,
)


class Provider(Protocol):
    """All the provider's HTTP. No method raises for anything that the network or the provider does."""

    async def submit(
        self,
        model: str,
        inputs: Mapping[str, Any],
        *,
        webhook: str | None = None,
        still_valid: Callable[[], bool] | None = None,
    ) -> SubmitOutcome:
        """POST once; never repeated by itself. `inputs` hold hosted URLs only.

        `still_valid` is asked at the last moment before the first byte leaves; when it says no, nothing is
        sent.
        """
        ...

    async def result(self, prediction_id: str) -> ResultOutcome:
        """The prediction as it is now."""
        ...

    async def list_predictions(
        self,
        *,
        model: str | None,
        created_after_ms: int,
        created_before_ms: int,
        page: int = 1,
        include_inputs: bool = False,
    ) -> ListOutcome:
        """One page (100) of the account's predictions in a window, newest first; 7 days at most."""
        ...

    async def upload(self, image: LocalImage) -> UploadOutcome:
        """Host the bytes of a local image. The result is publicly reachable."""
        ...

    async def balance(self) -> BalanceOutcome:
        """What the account has left."""
        ...

    async def billing(
        self,
        *,
        start_ms: int,
        end_ms: int,
        prediction_ids: Sequence[str] = (),
        page: int = 1,
    ) -> BillingOutcome:
        """One page (100) of billing records, oldest first."""
        ...

    async def quote(self, model: str, inputs: Mapping[str, Any]) -> QuoteOutcome:
        """The live price of a call."""
        ...

    async def aclose(self) -> None:
        """Close connections."""
        ...
