"""A home that both sides load: its `dagster.yaml`, what is beside it, and the environment of the process."""

import hashlib
import json
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

# Stands for the directory of the case, which differs from machine to machine.
BASE = "@BASE@"
# Texts with this part are secrets: no error may show them.
SECRET = "s3cr3t"


@dataclass(frozen=True)
class Case:
    name: str
    # `None` if there is no file.
    text: str | bytes | None
    env: dict = field(default_factory=dict)
    # What `DAGSTER_HOME` says.
    home: str | None = BASE + "/home"
    # What stands in the place of sections of the file.
    overrides: dict = field(default_factory=dict)
    # The name of the file that is read, if it is another one.
    filename: str | None = None
    # Below the directory of the case: the text of a file, `None` for a directory, `->` before the target of a link.
    files: dict = field(default_factory=dict)
    # Where the file was made wrong: any of these lines and columns names it. Both count from one.
    places: tuple = ()

    def document(self, base):
        """What a side has to know."""
        directory = self.directory(base)
        env = {"HOME": f"{directory}/user", "PATH": "/usr/bin:/bin", "DAGSTER_HOME": self.home, **self.env}
        env = {name: value.replace(BASE, str(directory)) for name, value in env.items() if value is not None}
        document = {"name": self.name, "directory": f"{directory}/work", "env": env}
        if self.overrides:
            document["overrides"] = self.overrides
        if self.filename:
            document["config_filename"] = self.filename
        return document

    def directory(self, base):
        return Path(base) / self.name.replace("/", "-")

    def make(self, base):
        """Make the directory of the case anew."""
        directory = self.directory(base)
        shutil.rmtree(directory, ignore_errors=True)
        for name in ("home", "user", "work"):
            (directory / name).mkdir(parents=True)
        if self.text is not None:
            text = self.text.encode() if isinstance(self.text, str) else self.text
            (directory / "home" / "dagster.yaml").write_bytes(text.replace(BASE.encode(), os.fsencode(directory)))
        for name, text in self.files.items():
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if text is None:
                path.mkdir(exist_ok=True)
            elif text.startswith("->"):
                path.symlink_to(text.removeprefix("->"))
            else:
                path.write_text(text)

    def key(self, base):
        """What Dagster's answer depends on, of the case."""
        text = self.text.decode("latin-1") if isinstance(self.text, bytes) else self.text
        content = [self.document(base), text, self.home, self.files]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
