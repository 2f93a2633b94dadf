"""A nightly manifest whose pictures are at addresses, and their host as `Addresses` asks it."""

from contextlib import contextmanager

from orchestrator.actions.planning.apply import apply
from orchestrator.actions.planning.plan import plan
from orchestrator.actions.planning.walking.addresses import Addresses
from orchestrator.core.url_inputs import GONE, SILENT, UNTOLD
from orchestrator.manifest import load_manifest
from orchestrator.settings import load_settings

MANIFEST = """\
version: 1
name: nightly
model: kwaivgi/kling-image-o3/edit
run: "{{{{ date }}}}"
{words}
matrix: {{product: {{csv: rows.csv}}}}
params: {{prompt: "a mug", images: ["https://in.example/{{{{ product.sku }}}}.png?v=1"]}}
output: "{{{{ run }}}}/{{{{ product.sku }}}}-{{{{ index }}}}.{{{{ ext }}}}"
"""


class PictureHost:
    """Serves one word at each address; a word that ends in * is another one at each question."""

    def __init__(self) -> None:
        self.serves: dict[str, str] = {}
        self.asked: list[str] = []
        self.open = 0  # transactions: none may be open while it is asked

    def __call__(self, urls):
        assert not self.open, "asked inside of a transaction"
        self.asked += urls
        found = {url: self._answer(url.rpartition("/")[2].partition(".")[0]) for url in urls}
        return {url: answer for url, answer in found.items() if answer is not None}

    def _answer(self, sku):
        word = self.serves.get(sku, "v1")
        if word is None or word in {GONE, SILENT, UNTOLD}:
            return word
        return f'"{word}{len(self.asked) if word.endswith("*") else ""}" - -'


def reader(folder):
    """Reads the manifest as it is in one night."""

    def read(date: str, skus="abc", words="regenerate: changed", **more):
        (folder / "rows.csv").write_text("sku\n" + "".join(f"{sku}\n" for sku in skus))
        (folder / "nightly.yaml").write_text(MANIFEST.format(words=words))
        return load_manifest(folder / "nightly.yaml", today=date, **more)

    return read


def counted(original, host):
    """A transaction during which the host notices that it is open."""

    @contextmanager
    def opened(self):
        host.open += 1
        try:
            with original(self) as tx:
                yield tx
        finally:
            host.open -= 1

    return opened


def applied(world, manifest, host, **more):
    (found,) = apply(world.database, [manifest], addresses=Addresses(host), **more)
    return found


def planned(world, manifest, host):
    settings = load_settings(None, {}, manifest.path.parent)
    return plan([manifest], settings, world.database, addresses=Addresses(host))
