"""One scheduled manifest with its table, and whoever expands its ticks."""

from sqlalchemy import select

from orchestrator.actions.operator import scheduling
from orchestrator.actions.planning.expand_tick import TickExpander
from orchestrator.artifacts.shelf import FolderShelf
from orchestrator.manifest import load_manifest
from orchestrator.settings import load_settings
from orchestrator.store.account.acts import Signature
from orchestrator.store.db.schema import job_specs
from orchestrator.store.schedules import expanding

from .nights import Nights

MANIFEST = """\
version: 1
name: night
campaign: fresh
run: "{{ date }}"
model: kwaivgi/kling-image-o3/edit
matrix: {product: {csv: rows.csv}}
params: {prompt: "{{ product.title }} at {{ tick }}", images: ["https://in.example/a.png"]}
output: "{{ run }}/{{ product.sku }}-{{ index }}.{{ ext }}"
"""
SCHEDULE = "schedule: {cron: 30 2 * * *, timezone: Europe/Vienna, %s}\n"


class NightStudio:
    """One scheduled manifest with its table, due at 02:30 in Vienna."""

    def __init__(self, world, folder):
        self.world, self.folder = world, folder
        self.nights = Nights(world)
        self.path = folder / "night.yaml"
        self.table("A", "B")
        self.expander = TickExpander(
            world.database,
            load_settings(None, {}, folder),
            world.clock,
            shelf=lambda: FolderShelf(folder / "outputs"),
        )

    def table(self, *titles):
        lines = [f"SKU-{number},{title}\n" for number, title in enumerate(titles)]
        (self.folder / "rows.csv").write_text("sku,title\n" + "".join(lines))

    def add(self, words=""):
        self.path.write_text(MANIFEST + SCHEDULE % words)
        manifest = load_manifest(self.path, today="2026-11-22")
        with self.world.database.write() as tx:
            scheduling.add_schedule(
                tx,
                "fresh/night",
                manifest.schedule,
                manifest_path=str(self.path),
                signed=Signature("ada", "here", "schedule add"),
            )

    def order(self, night="2026-11-23T01:30"):
        self.nights.until(night)
        self.nights.fire()
        return self.nights.take()

    def expand(self, order=None):
        order = order or self.order()
        expanded = self.expander(order)
        with self.world.database.write() as tx:
            expanding.finish(tx, order, expanded)
        return expanded

    def prompts(self):
        with self.world.database.read() as tx:
            return [row.params["prompt"] for row in tx.conn.execute(select(job_specs))]
