"""A client for the sandbox's API, and a clock that only tests move."""

import io
import ssl
from typing import Any

import httpx
from PIL import Image

from orchestrator.sandbox import Bill, SandboxThread, parse_faults

EDIT = "kwaivgi/kling-image-o3/edit"
KEY = {"Authorization": "Bearer sandbox-key"}
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # loading certificates takes longer than a test
START_MS = 1_800_000_000_000


class StillClock:
    """Time stands still until somebody sleeps or the sandbox is advanced."""

    def __init__(self) -> None:
        self.at_ms = START_MS

    def now_ms(self) -> int:
        return self.at_ms

    def monotonic(self) -> float:
        return self.at_ms / 1000

    async def sleep(self, seconds: float) -> None:
        self.at_ms += round(seconds * 1000)


def png(width: int = 60, height: int = 40, color: str = "teal") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), color).save(out, "PNG")
    return out.getvalue()


class Api:
    """A plain client of the provider's API; nothing is retried and no status raises."""

    def __init__(self, thread: SandboxThread) -> None:
        self.thread = thread
        self.url = thread.url
        self.http = httpx.Client(base_url=thread.url, timeout=10.0, trust_env=False, verify=NO_TLS)

    def bill(self) -> Bill:
        return self.thread.bill()

    def post(self, path: str, body: Any = None, **kwargs: Any) -> httpx.Response:
        return self.http.post(f"/api/v3/{path}", json={} if body is None else body, headers=KEY, **kwargs)

    def get(self, path: str) -> httpx.Response:
        return self.http.get(f"/api/v3/{path}", headers=KEY)

    def submit(self, model: str = EDIT, **inputs: Any) -> httpx.Response:
        body = {"prompt": "a hat", "images": ["https://example.com/a.jpg"], **inputs}
        return self.post(model, body)

    def submit_with_webhook(self, url: str, **inputs: Any) -> httpx.Response:
        body = {"prompt": "a hat", "images": ["https://example.com/a.jpg"], **inputs}
        return self.post(EDIT, body, params={"webhook": url})

    def task(self, **inputs: Any) -> str:
        """The id of a new task."""
        reply = self.submit(**inputs)
        assert reply.status_code == 200, reply.text
        found: str = reply.json()["data"]["id"]
        return found

    def result(self, task_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.get(f"predictions/{task_id}/result").json()["data"]
        return found

    def output(self, **inputs: Any) -> str:
        """The URL of the first output of a new, finished task."""
        found: str = self.result(self.task(**inputs))["outputs"][0]
        return found

    def upload(self, data: bytes, name: str = "photo.png", kind: str = "image/png") -> str:
        """The hosted URL of bytes, by ticket and PUT."""
        ticket = self.post(
            "media/uploads", {"filename": name, "size": len(data), "content_type": kind}
        ).json()["data"]
        put = httpx.put(
            ticket["upload"]["url"],
            content=data,
            headers=ticket["upload"]["headers"],
            trust_env=False,
            verify=NO_TLS,
        )
        assert put.status_code == 200, put.text
        found: str = ticket["download_url"]
        return found

    def use_faults(self, *words: str) -> None:
        self.thread.use_faults(parse_faults(words), restart_count=True)
