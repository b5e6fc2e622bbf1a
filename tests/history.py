"""What older commits had: their files are read from the history of this repository."""

import subprocess
import tarfile
from io import BytesIO
from pathlib import Path

from tests import ROOT


def tree_of(commit: str, folder: Path, *paths: str) -> Path:
    """Write the files of a commit, or those at `paths`. An AssertionError if the repository has no history."""
    done = subprocess.run(["git", "archive", commit, *paths], cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == 0, f"{commit} is not in the history that is here: fetch all of it\n{done.stderr.decode()}"
    with tarfile.open(fileobj=BytesIO(done.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return folder
