"""A provider whose list and bill are as late, as silent or as odd as a test wants them."""

from dataclasses import replace

from support.provider import FakeProvider
from support.world import MODEL, PRICE

from orchestrator.ports import Accepted, BillingPage, BillingRecord, Lost, Prediction, PredictionPage


class OddAccount(FakeProvider):
    """`lag` and `bill_lag` are seconds until the list and the bill show a task; an answer that is set
    replaces them."""

    def __init__(self, clock, latency=10.0):
        super().__init__(clock, latency)
        self.lag = 0.0
        self.bill_lag = 0.0
        self.shows_inputs = True
        self.list_answer = None
        self.bill_answer = None
        self.bill_slides = 0  # so many records of a page of the bill are on the next one again
        self.page_size = 100
        self.between_pages = lambda: None
        self.models = {}
        self.charges = {}  # task -> micros, where it is not the price
        self.refunds = []
        self.windows = []  # of every list read
        self.quotes = []
        self.loses = 0  # so many replies are lost after the task was created

    async def submit(self, model, inputs, *, webhook=None, still_valid=None):
        outcome = await super().submit(model, inputs, webhook=webhook)
        if self.loses and isinstance(outcome, Accepted):
            self.loses -= 1
            return Lost("the connection was reset")
        return outcome

    def strange(self, prompt="someone else's", model=MODEL) -> str:
        """A task of another program on the account."""
        made = self.create({"prompt": prompt, "images": ["https://in.example/a.png"], "num_images": 1})
        self.models[made.id] = model
        return made.id

    def charged(self, task):
        return self.charges.get(task.id, self.price(task.inputs))

    def refund(self, task, micros=PRICE):
        record = BillingRecord(
            id=f"r-{task}-{len(self.refunds)}",
            prediction_id=task,
            kind="refund",
            micros=micros,
            created_at_ms=self.clock.now_ms(),
        )
        self.refunds.append(record)

    def _found(self, prediction_id):
        found = super()._found(prediction_id)
        if isinstance(found, Prediction):
            return replace(found, model=self.models.get(prediction_id, MODEL))
        return found

    def _older_than(self, seconds):
        now = self.clock.monotonic()
        return [task for task in self.tasks.values() if task.accepted_at + seconds <= now]

    async def list_predictions(
        self, *, model, created_after_ms, created_before_ms, page=1, include_inputs=False
    ):
        self.windows.append((created_after_ms, created_before_ms))
        if self.list_answer is not None:
            return self.list_answer
        if page > 1:
            self.between_pages()
        shown = [
            replace(
                self._found(task.id), inputs=task.inputs if include_inputs and self.shows_inputs else None
            )
            for task in self._older_than(self.lag)
            if created_after_ms <= task.final.created_at_ms <= created_before_ms
        ][::-1]
        first = (page - 1) * self.page_size
        items = tuple(shown[first : first + self.page_size])
        return PredictionPage(items, has_more=len(shown) > first + self.page_size)

    async def billing(self, *, start_ms, end_ms, prediction_ids=(), page=1):
        if self.bill_answer is not None:
            return self.bill_answer
        deducts = [
            BillingRecord(
                id=f"d-{task.id}",
                prediction_id=task.id,
                kind="deduct",
                micros=self.charged(task),
                created_at_ms=task.final.created_at_ms,
            )
            for task in self._older_than(self.bill_lag)
            if self.charged(task)
        ]
        records = [
            record
            for record in (*deducts, *self.refunds)
            if start_ms <= record.created_at_ms <= end_ms
            and (not prediction_ids or record.prediction_id in prediction_ids)
        ]
        first = (page - 1) * (self.page_size - self.bill_slides)
        items = tuple(records[first : first + self.page_size])
        return BillingPage(items, has_more=len(records) > first + self.page_size)

    async def quote(self, model, inputs):
        self.quotes.append((model, inputs))
        return await super().quote(model, inputs)
