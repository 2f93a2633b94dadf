"""Folders for contestants, in which nobody pays for the cleaning up after another.

When ext4 makes a file it passes over every inode that was freed in the last minutes, one by one: near a place
where thousands of files were just removed, making one takes 0.7 ms of processor time instead of 0.02 ms. So
folders are removed when the program ends, and each lies in a part of the disk of its own, where the file
system can be told so.
"""

import atexit
import contextlib
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path


def folder() -> Path:
    """A new folder, until this process ends."""
    return Path(tempfile.mkdtemp(dir=_top()))


@cache
def _top() -> Path:
    path = Path(tempfile.mkdtemp(prefix="bench-"))
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    with contextlib.suppress(OSError):  # without e2fsprogs the folders lie side by side
        subprocess.run(["chattr", "+T", path], check=False, stderr=subprocess.DEVNULL)
    return path
