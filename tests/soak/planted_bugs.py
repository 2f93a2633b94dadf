"""Breaches on purpose: a soak that passes with one of these proves nothing."""

from collections.abc import Callable, Mapping

from soak.site import Site


def paid_twice(site: Site) -> None:
    """Somebody pays a second time for what was already bought."""
    bill = site.bill()
    done = next(task for task in bill["tasks"] if task["status"] == "completed" and task["outputs"])
    site.submit_by_stranger(done["inputs"])


def picture_lost(site: Site) -> None:
    """A stored picture disappears from the disk."""
    min(path for path in site.outputs.rglob("*.png") if path.is_file()).unlink()


def rate_passed(site: Site) -> None:
    """More requests in a minute than the account may send."""
    inputs = {"prompt": "too many", "images": ["https://in.example/a.png"]}
    for _ in range(600):
        try:
            site.submit_by_stranger(inputs)
        except OSError:
            continue


PLANTED_BUGS: Mapping[str, Callable[[Site], None]] = {
    work.__name__: work for work in (paid_twice, picture_lost, rate_passed)
}
