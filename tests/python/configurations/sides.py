"""The two programs that load homes. Each reads a document a line, and writes an answer a line."""

import hashlib
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).parent
REAL = [sys.executable, "-W", "ignore", "-m", "configurations.real"]
# What Dagster's answer depends on beside the case.
SOURCES = [HERE / "real.py", HERE / "members.py", HERE.parent / "requirements.txt"]
AT_ONCE = 2


def ask(command, documents):
    """The answers of one process, in the order of the documents."""
    if not documents:
        return []
    text = "".join(json.dumps(document) + "\n" for document in documents)
    # The cases say what is set. A terminal of the caller's is none of their business.
    environment = {name: os.environ[name] for name in ("PATH", "PYTHONHASHSEED") if name in os.environ}
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    done = subprocess.run(
        command, input=text.encode(), stdout=subprocess.PIPE, cwd=HERE.parent, env=environment, check=False
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    if done.returncode or [each["name"] for each in answers] != [each["name"] for each in documents]:
        last = documents[min(len(answers), len(documents) - 1)]["name"]
        raise SystemExit(f"{command[0]} ended with {done.returncode} at {last}")
    return answers


def ours(program, cases, base, real):
    """Our answers by name. We also open the instance from the reference that Dagster has made of it."""
    documents = []
    for case in cases:
        case.make(base)
        reference = real[case.name].get("members", {}).get("get_ref", {}).get("ok")
        documents.append({**case.document(base), **({"reference": reference} if reference else {})})
    return {answer["name"]: answer for answer in ask([program], documents)}


class Real:
    """Real Dagster, which is asked once for each case: its answers are kept, under the content of the case."""

    def __init__(self, base, kept):
        self.base, self.kept = base, Path(kept)
        self.sources = hashlib.sha256(b"".join(path.read_bytes() for path in SOURCES)).hexdigest()

    def known(self):
        try:
            kept = json.loads(self.kept.read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return {}
        return kept["answers"] if kept["sources"] == self.sources else {}

    def answers(self, cases):
        """The answers by name; how many of them are new."""
        known = self.known()
        keys = {case.name: case.key(self.base) for case in cases}
        new = [case for case in cases if keys[case.name] not in known]
        for case in new:
            case.make(self.base)
        parts = [[case.document(self.base) for case in new[number::AT_ONCE]] for number in range(AT_ONCE)]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for found in pool.map(lambda part: ask(REAL, part), parts):
                known.update({keys[answer["name"]]: answer for answer in found})
        if new:
            text = json.dumps({"sources": self.sources, "answers": known})
            part = self.kept.with_suffix(".part")
            part.write_text(text)
            part.replace(self.kept)
        return {case.name: known[keys[case.name]] for case in cases}, len(new)
