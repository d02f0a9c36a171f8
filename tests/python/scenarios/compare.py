"""What differs between the two sides of a scenario: in the outcomes of its steps, and in the rows they left."""

import json
import re

from scenarios.dump import without_now

SHORT = 160
# A time as a number, where it is that of the scenario.
BARE_NOW = re.compile(r"(: )<now>")
# Ids, which are of the order in which rows were written.
OF_ORDER = ("id", "evaluation_event_storage_id")


def short(text, other):
    """The part of the text around the first character that differs."""
    at = next((at for at, pair in enumerate(zip(text, other)) if pair[0] != pair[1]), min(len(text), len(other)))
    start = max(0, at - SHORT // 2)
    return ("…" if start else "") + text[start : start + SHORT] + ("…" if start + SHORT < len(text) else "")


def sorted_list(text, name):
    """The text with the items of each such list of strings in order."""
    pattern = re.compile(rf'("{name}": )(\[(?:"(?:[^"\\]|\\.)*"(?:, )?)*\])')
    return pattern.sub(lambda found: found[1] + json.dumps(sorted(json.loads(found[2]))), text)


# Tags of a run are written together, in the order in which they were given; nothing reads that order. Rows of assets
# are counted by Postgres whenever one is changed.
NEVER_IN_ORDER = ("run_tags", "asset_keys")


def without_order(dump, unordered):
    found = {}
    unordered = (*unordered, *NEVER_IN_ORDER)
    for (file, table), rows in dump.items():
        for name in unordered:
            rows = [{column: sorted_list(text, name) for column, text in row.items()} for row in rows]
        if table in unordered:
            rows = sorted(({key: text for key, text in row.items() if key not in OF_ORDER} for row in rows), key=str)
        found[file, table] = rows
    return found


def without_error(text):
    """The text of an event with the error of an engine event as a mark, which keeps how the message of the event ends."""
    if not text.startswith("str {") or '"EngineEventData"' not in text:
        return text
    document = json.loads(BARE_NOW.sub(r'\1"<now>"', text[4:]))
    event = document["dagster_event"]
    error = event["event_specific_data"]["error"]
    if error:
        event["event_specific_data"]["error"] = "<error>"
        if event["message"].strip() == error["message"].strip():
            event["message"] = "<error>" + event["message"][len(event["message"].rstrip()) :]
    return f"str {json.dumps(document)}"


def without_errors(dump):
    """A dump with each error of engine events as a mark."""
    return {
        place: [{column: without_error(text) for column, text in row.items()} for row in rows]
        for place, rows in dump.items()
    }


def without_cursors(dump):
    """A dump with each place up to which a daemon has read events as a mark."""

    def marked(row):
        is_cursor = row.get("key", "").startswith("str EVENT_LOG_CONSUMER_CURSOR-")
        return {**row, "value": "<cursor>"} if is_cursor else row

    return {place: [marked(row) for row in rows] for place, rows in dump.items()}


# What only our keepers write and read.
NOTES = "str dagster_instance/"


def without_notes(dump):
    kept = {place: [row for row in rows if not row.get("key", "").startswith(NOTES)] for place, rows in dump.items()}
    return {place: rows for place, rows in kept.items() if rows}


def row_differences(real, other, unordered=()):
    real, other = without_order(real, unordered), without_order(other, unordered)
    for place in sorted(real.keys() | other.keys()):
        theirs, ours = real.get(place, []), other.get(place, [])
        where = " ".join(place)
        if len(theirs) != len(ours):
            yield f"{where}: {len(theirs)} rows in Dagster, {len(ours)} here"
        for number, (one, two) in enumerate(zip(theirs, ours), 1):
            for column in sorted(one.keys() | two.keys()):
                a, b = one.get(column, "no such column"), two.get(column, "no such column")
                if a != b:
                    yield f"{where} row {number} {column}:\n    Dagster {short(a, b)}\n    here    {short(b, a)}"


def outcome_differences(steps, results, windows, unordered=()):
    """Both succeed or both fail, and a run that is given back is the same; the texts of errors are free."""
    for number, step in enumerate(steps):
        result = results.get(number)
        where = f"step {number} {step['op']}"
        error = step["outcome"].get("error")
        if result is None:
            yield f"{where}: not replayed"
        elif error and "error" not in result:
            yield f"{where}: Dagster fails ({error['class']}: {error['message'][:SHORT]}), it succeeds here"
        elif not error and "error" in result:
            yield f"{where}: Dagster succeeds, here it fails: {result['error'][:SHORT]}"
        elif not error and step["outcome"].get("ok") is not None:
            texts = [step["outcome"]["ok"], str(result.get("ok"))]
            texts = [without_now(text, window) for text, window in zip(texts, windows)]
            for name in unordered:
                texts = [sorted_list(text, name) for text in texts]
            if texts[0] != texts[1]:
                yield f"{where} gives back:\n    Dagster {short(*texts)}\n    here    {short(*reversed(texts))}"
