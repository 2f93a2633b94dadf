"""Jobs to be with what their https inputs serve: asked where a night goes by it, outside of transactions."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

from orchestrator.actions.planning.walking.addresses import Addresses, https_inputs
from orchestrator.catalogue import get
from orchestrator.core.specs import JobSpec, RunSpec
from orchestrator.core.url_inputs import recorded
from orchestrator.store.runs.earlier import OtherRuns
from orchestrator.store.runs.runs import Run, existing_ids


@dataclass(frozen=True, slots=True)
class Asking:
    """Asks while `away` from what is read; where nothing is held open meanwhile, that is nothing."""

    addresses: Addresses = field(default_factory=Addresses)
    away: Callable[[], AbstractContextManager[Any]] = nullcontext

    def seen(
        self,
        specs: list[JobSpec],
        owner: RunSpec,
        *,
        run: Run | None,
        earlier: OtherRuns | None,
        reading: Callable[[], AbstractContextManager[Any]],
    ) -> list[JobSpec]:
        """The specs of `owner`, those with https inputs with what these serve. Those that its `run` has
        already are left as they are. What seems to be another picture than the one that `earlier` runs made
        theirs from is asked for twice.
        """
        night = owner.night
        if not night.heeds_addresses:
            return specs
        name = get(owner.model).images_param
        inputs = {spec.key: urls for spec in specs if (urls := https_inputs(spec.params, name))}
        if inputs and run:
            with reading() as tx:
                there = existing_ids(tx, run.id, list(inputs))
            inputs = {key: urls for key, urls in inputs.items() if key not in there}
        if inputs and night.asks:
            self._look([url for urls in inputs.values() for url in urls])
            answered = {key: self.addresses.seen(urls) for key, urls in inputs.items()}
            known = {key: seen for key, seen in answered.items() if recorded(seen)}
            if earlier is not None and known:
                with reading() as tx:
                    others = sorted(earlier.other_urls(tx, known)) if tx else []
                self._look_again(others)
        return [
            replace(spec, seen_urls=self.addresses.seen(inputs[spec.key])) if spec.key in inputs else spec
            for spec in specs
        ]

    def _look(self, urls: Sequence[str]) -> None:
        if unasked := self.addresses.unasked(urls):
            with self.away():
                self.addresses.look(unasked)

    def _look_again(self, urls: Sequence[str]) -> None:
        if unsure := self.addresses.unsure(urls):
            with self.away():
                self.addresses.look_again(unsure)
