"""Files that hold a secret: as strict as where they lie allows."""

import os

import pytest
from settings_files import SECRET

from orchestrator.core.errors import UsageError
from orchestrator.settings import load_settings, secret_files
from orchestrator.settings.environment import unknown_variables
from orchestrator.settings.secret_files import read_secret
from orchestrator.yamlio import ProblemsError

URL = "postgresql+psycopg://me:pw@db/orchestrator"
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")


def secret(folder, mode, owner=None):
    path = folder / "key"
    path.write_text(f"{SECRET}\n")
    path.chmod(mode)
    if owner is not None:
        os.chown(path, owner, owner)
    return path


@pytest.mark.parametrize("mode", [0o400, 0o600])
def test_a_file_for_its_owner_alone_is_read(tmp_path, mode):
    assert read_secret(secret(tmp_path, mode), "key", {}) == SECRET


@pytest.mark.parametrize("mode", [0o644, 0o444, 0o404, 0o620, 0o660])
def test_a_file_that_others_may_read_or_write_is_refused(tmp_path, mode):
    with pytest.raises(UsageError, match="chmod 600"):
        read_secret(secret(tmp_path, mode), "key", {})


@needs_root
def test_a_group_may_read_what_root_owns_and_nothing_else(tmp_path):
    assert read_secret(secret(tmp_path, 0o440, owner=0), "key", {}) == SECRET
    assert read_secret(secret(tmp_path, 0o640, owner=0), "key", {}) == SECRET
    with pytest.raises(UsageError, match="chmod 600"):
        read_secret(secret(tmp_path, 0o440, owner=1234), "key", {})


@pytest.mark.parametrize("mode", [0o444, 0o440, 0o644])
def test_any_reader_is_fine_below_the_folder_of_mounted_secrets(tmp_path, monkeypatch, mode):
    path = secret(tmp_path, mode)
    assert read_secret(path, "key", {"CREDENTIALS_DIRECTORY": str(tmp_path)}) == SECRET
    monkeypatch.setattr(secret_files, "SECRET_FOLDERS", (tmp_path,))
    assert read_secret(path, "key", {}) == SECRET


def test_a_link_into_that_folder_is_as_good_as_the_file(tmp_path):
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    link = tmp_path / "link"
    link.symlink_to(secret(mounted, 0o444))
    assert read_secret(link, "key", {"CREDENTIALS_DIRECTORY": str(mounted)}) == SECRET


def test_a_writer_other_than_the_owner_is_refused_even_there(tmp_path):
    with pytest.raises(UsageError, match="chmod 600"):
        read_secret(secret(tmp_path, 0o666), "key", {"CREDENTIALS_DIRECTORY": str(tmp_path)})


def test_a_relative_credentials_folder_opens_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="chmod 600"):
        read_secret(secret(tmp_path, 0o444), "key", {"CREDENTIALS_DIRECTORY": "."})


def test_what_is_no_plain_file_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"cannot be read|no plain file"):
        read_secret(tmp_path, "key", {})


def test_the_database_url_may_be_in_a_file(tmp_path):
    (tmp_path / "url").write_text(f"{URL}\n")
    (tmp_path / "url").chmod(0o600)
    found = load_settings(None, {"ORCHESTRATOR_DATABASE_URL_FILE": "url"}, tmp_path)
    assert found.database_url == URL


@pytest.mark.parametrize(
    ("env", "content", "expected"),
    [
        ({"ORCHESTRATOR_DATABASE_URL": URL}, URL, "ORCHESTRATOR_DATABASE_URL is set too"),
        ({}, "pw", "holds something else: expected sqlite"),
    ],
)
def test_a_url_file_that_cannot_count_is_said_without_its_content(tmp_path, env, content, expected):
    (tmp_path / "url").write_text(content)
    (tmp_path / "url").chmod(0o600)
    with pytest.raises(ProblemsError, match=expected) as caught:
        load_settings(None, env | {"ORCHESTRATOR_DATABASE_URL_FILE": "url"}, tmp_path)
    assert "pw" not in str(caught.value)


def test_a_url_file_that_others_may_read_is_refused(tmp_path):
    (tmp_path / "url").write_text(URL)
    (tmp_path / "url").chmod(0o644)
    with pytest.raises(UsageError, match="the database URL file .* may be read by others"):
        load_settings(None, {"ORCHESTRATOR_DATABASE_URL_FILE": "url"}, tmp_path)


def test_a_variable_of_ours_that_nothing_reads_is_named():
    env = {
        "ORCHESTRATOR_OUTPUTS_ROOT": "x",
        "ORCHESTRATOR_DATABSE_URL": URL,
        "ORCHESTRATOR_CONFIG": "config.yaml",
        "ORCHESTRATOR_SERVICE_HOST": "10.0.0.1",  # what Kubernetes sets beside a Service of this name
        "ORCHESTRATOR_PORT_80_TCP_ADDR": "10.0.0.1",
        "OTHER": "x",
    }
    misspelt, unread = unknown_variables(env)
    assert "ORCHESTRATOR_DATABSE_URL has no effect" in misspelt
    assert 'did you mean "ORCHESTRATOR_DATABASE_URL"' in misspelt
    assert "ORCHESTRATOR_OUTPUTS_ROOT has no effect" in unread
    assert URL not in misspelt
