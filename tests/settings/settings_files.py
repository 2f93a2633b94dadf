"""Settings read from a text, or from a folder without any."""

from pathlib import Path

from orchestrator.settings import Settings, load_settings

SECRET = "wsk-0123456789-do-not-show"


def read(tmp_path, text: str, env=None) -> Settings:
    (tmp_path / "config.yaml").write_text(text)
    return load_settings(None, env or {}, tmp_path)


def empty(tmp_path: Path) -> Path:
    folder = tmp_path / "empty"
    folder.mkdir(exist_ok=True)
    return folder
