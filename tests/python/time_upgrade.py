"""Upgrade a large Postgres database by our program and by Dagster, side by side, and print what others feel of it.

    python time_upgrade.py SERVER SQL BINARY --events N [--document MARKDOWN]

SERVER is the URL of a server in which databases may be created; they are dropped at the end. SQL is what Dagster 1.5 left.
Its rows are multiplied to N events, and its ids get the 32 bits that they have where an older release made the database.
While each program works, a writer and a reader go on beside it, and each of their calls is timed.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from pathlib import Path

import psycopg2

# Copies of the events of a step in one run: as if each run had so many steps more.
STEPS = 20

# How many copies are stored at once.
BATCH = 50

# Real rows, from which the others are made: `k` is the copy, `part(k)` the number of the asset, of the backfill, of the schedule.
FILL = """
CREATE TEMPORARY TABLE old_runs AS SELECT row_number() OVER (ORDER BY id)::int AS n, * FROM runs;
CREATE TEMPORARY TABLE old_events AS SELECT row_number() OVER (ORDER BY e.id, s.n)::int AS n, e.*, s.n AS step
    FROM event_logs e, generate_series(1, %(steps)s) s(n)
    WHERE e.run_id IN (SELECT run_id FROM runs) AND (s.n = 1 OR e.dagster_event_type NOT LIKE 'PIPELINE%%');
CREATE TEMPORARY TABLE old_tags AS SELECT o.n, t.* FROM asset_event_tags t JOIN old_events o ON o.id = t.event_id;
CREATE TEMPORARY TABLE size AS SELECT (SELECT max(n) FROM old_events) AS events, (SELECT max(id) FROM event_logs) AS last,
    ceil(%(events)s::float / (SELECT max(n) FROM old_events))::int AS copies;
CREATE TEMPORARY TABLE copies AS SELECT k, interval '365 days' * k / (SELECT copies FROM size) AS later
    FROM generate_series(1, (SELECT copies FROM size)) k;
CREATE FUNCTION pg_temp.run(old text, k int) RETURNS text LANGUAGE sql IMMUTABLE AS
    $$ SELECT md5(old || k)::uuid::text $$;
CREATE FUNCTION pg_temp.asset(old text, k int) RETURNS text LANGUAGE sql IMMUTABLE AS
    $$ SELECT left(old, -2) || '_' || k %% 100 || '"]' $$;
CREATE FUNCTION pg_temp.backfill(old text, k int) RETURNS text LANGUAGE sql IMMUTABLE AS
    $$ SELECT left(old, 20) || '_' || k / 20 $$;

INSERT INTO runs (run_id, snapshot_id, pipeline_name, mode, status, run_body, partition, partition_set, create_timestamp,
    update_timestamp, start_time, end_time)
SELECT pg_temp.run(r.run_id, k), r.snapshot_id, r.pipeline_name, r.mode, r.status,
    replace(r.run_body, r.run_id, pg_temp.run(r.run_id, k)), r.partition, r.partition_set, r.create_timestamp + later,
    r.update_timestamp + later, r.start_time + extract(epoch FROM later), r.end_time + extract(epoch FROM later)
FROM copies, old_runs r ORDER BY k, r.n;

INSERT INTO run_tags (run_id, key, value)
SELECT pg_temp.run(t.run_id, k), t.key, CASE t.key WHEN 'dagster/backfill' THEN pg_temp.backfill(t.value, k) ELSE t.value END
FROM copies, run_tags t WHERE t.run_id IN (SELECT run_id FROM old_runs) ORDER BY k, t.id;

INSERT INTO bulk_actions (key, status, timestamp, body, action_type, selector_id)
SELECT DISTINCT ON (pg_temp.backfill(b.key, k)) pg_temp.backfill(b.key, k), b.status, b.timestamp + later,
    replace(b.body, b.key, pg_temp.backfill(b.key, k)), b.action_type, b.selector_id
FROM copies, bulk_actions b ORDER BY pg_temp.backfill(b.key, k), k;

INSERT INTO event_logs (id, run_id, event, dagster_event_type, timestamp, step_key, asset_key, partition)
SELECT s.last + (k - 1) * s.events + e.n, pg_temp.run(e.run_id, k),
    CASE WHEN e.asset_key IS NULL THEN replace(e.event, e.run_id, pg_temp.run(e.run_id, k))
    ELSE replace(replace(e.event, e.run_id, pg_temp.run(e.run_id, k)), e.asset_key, pg_temp.asset(e.asset_key, k)) END,
    e.dagster_event_type, e.timestamp + later, e.step_key, pg_temp.asset(e.asset_key, k), e.partition
FROM size s, copies, old_events e WHERE k > %(after)s AND k <= %(after)s + %(batch)s ORDER BY k, e.n;

INSERT INTO asset_event_tags (event_id, asset_key, key, value, event_timestamp)
SELECT s.last + (k - 1) * s.events + t.n, pg_temp.asset(t.asset_key, k), t.key, t.value, t.event_timestamp + later
FROM size s, copies, old_tags t;

INSERT INTO asset_keys (asset_key, last_materialization, last_run_id, asset_details, wipe_timestamp,
    last_materialization_timestamp, tags, create_timestamp)
SELECT pg_temp.asset(a.asset_key, k), replace(a.last_materialization, a.asset_key, pg_temp.asset(a.asset_key, k)), a.last_run_id,
    a.asset_details, a.wipe_timestamp, a.last_materialization_timestamp, a.tags, a.create_timestamp
FROM asset_keys a, generate_series(0, 99) k;

INSERT INTO job_ticks (job_origin_id, selector_id, status, type, timestamp, tick_body, create_timestamp, update_timestamp)
SELECT t.job_origin_id, t.selector_id, t.status, t.type, t.timestamp + later, t.tick_body, t.create_timestamp + later,
    t.update_timestamp + later
FROM copies, job_ticks t ORDER BY k, t.id;

SELECT setval('event_logs_id_seq', (SELECT max(id) FROM event_logs));
"""

# The ids of a database that Dagster 1.3 made and 1.5 upgraded.
NARROW_TABLES = """asset_keys bulk_actions dynamic_partitions event_logs instigators job_ticks jobs run_tags runs
    secondary_indexes snapshots""".split()
NARROW = [
    *(f"ALTER TABLE {table} ALTER COLUMN id TYPE integer" for table in NARROW_TABLES),
    *(f"ALTER SEQUENCE {table}_id_seq AS integer" for table in NARROW_TABLES),
    "ALTER TABLE asset_event_tags ALTER COLUMN event_id TYPE integer",
    "ALTER TABLE asset_event_tags ADD CONSTRAINT asset_event_tags_event_id_fkey FOREIGN KEY (event_id)"
    " REFERENCES event_logs (id) ON DELETE CASCADE",
]

# Marks of what `reindex` builds, so that it has something to do.
UNMARK = """DELETE FROM secondary_indexes WHERE name IN
    ('asset_key_table', 'asset_key_index_columns', 'run_start_end_overwritten', 'schedule_ticks_selector_id')"""

PROGRESS = """SELECT (SELECT version_num FROM alembic_version),
    (SELECT count(*) FROM secondary_indexes WHERE migration_completed IS NOT NULL)"""

LOCKS = """SELECT l.pid || ' ' || l.relation::regclass FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
    WHERE l.mode = 'AccessExclusiveLock' AND l.granted AND c.relkind = 'r' AND l.relation > 16383
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"""


def connect(url):
    connection = psycopg2.connect(url)
    connection.autocommit = True
    return connection


class Beside(threading.Thread):
    """Does the same again and again, and keeps the longest time that it took."""

    def __init__(self, url):
        super().__init__(daemon=True)
        self.cursor = connect(url).cursor()
        self.ended = threading.Event()
        self.longest, self.times, self.failure = 0.0, 0, None

    def run(self):
        while not self.ended.is_set():
            start = time.monotonic()
            try:
                self.once()
            except psycopg2.Error as error:
                self.failure = str(error)
                return
            self.longest = max(self.longest, time.monotonic() - start)
            self.times += 1
            time.sleep(0.02)

    def end(self):
        self.ended.set()
        self.join()
        self.cursor.connection.close()
        if self.failure:
            raise SystemExit(f"{type(self).__name__} failed: {self.failure}")


class Writer(Beside):
    """Inserts what Dagster inserts when a run starts, each row in a transaction of its own, as Dagster does."""

    def __init__(self, url):
        super().__init__(url)
        self.cursor.execute("SELECT run_id, run_body FROM runs WHERE status = 'SUCCESS' ORDER BY id LIMIT 1")
        self.old, self.body = self.cursor.fetchone()
        self.cursor.execute("SELECT event FROM event_logs WHERE dagster_event_type = 'STEP_START' AND run_id = %s", [self.old])
        self.event = self.cursor.fetchone()[0]

    def once(self):
        run_id = str(uuid.uuid4())
        self.cursor.execute(
            "INSERT INTO runs (run_id, pipeline_name, status, run_body) VALUES (%s, 'beside', 'STARTED', %s)",
            [run_id, self.body.replace(self.old, run_id)],
        )
        self.cursor.execute("INSERT INTO run_tags (run_id, key, value) VALUES (%s, 'beside', 'yes')", [run_id])
        self.cursor.execute(
            "INSERT INTO event_logs (run_id, event, dagster_event_type, timestamp) VALUES (%s, %s, 'STEP_START', now())"
            " RETURNING id",
            [run_id, self.event.replace(self.old, run_id)],
        )


class Reader(Beside):
    """Reads what the page of runs reads, and the last events of a run."""

    def once(self):
        self.cursor.execute("SELECT run_id, run_body FROM runs ORDER BY id DESC LIMIT 25")
        run_id = self.cursor.fetchall()[-1][0]
        self.cursor.execute("SELECT value FROM run_tags WHERE run_id = %s", [run_id])
        self.cursor.execute("SELECT id, event FROM event_logs WHERE run_id = %s ORDER BY id LIMIT 100", [run_id])


class Sampler(threading.Thread):
    """Looks at revisions, marks, locks and memory, many times a second."""

    def __init__(self, url, pid):
        super().__init__(daemon=True)
        self.cursor, self.pid, self.ended = connect(url).cursor(), pid, threading.Event()
        self.began = time.monotonic()
        self.steps, self.last, self.peak = [], None, 0
        self.held, self.longest_lock, self.of_lock = {}, 0.0, "-"

    def run(self):
        while not self.ended.is_set():
            self.look()
            time.sleep(0.005)

    def look(self):
        now = time.monotonic()
        try:
            found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{self.pid}/status").read_text())
            self.peak = max(self.peak, int(found[1]) if found else 0)
        except OSError:
            pass
        # Reading these tables would wait for a lock on them.
        self.cursor.execute(LOCKS)
        locks = {name for (name,) in self.cursor.fetchall()}
        for name in locks:
            since = self.held.setdefault(name, now)
            if now - since > self.longest_lock:
                self.longest_lock, self.of_lock = now - since, name.split()[1]
        self.held = {name: since for name, since in self.held.items() if name in locks}
        if not any(name.endswith(("alembic_version", "secondary_indexes")) for name in locks):
            self.cursor.execute(PROGRESS)
            found = self.cursor.fetchone()
            if self.last not in (None, found):
                what = found[0] if found[0] != self.last[0] else "data migration"
                self.steps.append((what, now - self.began))
            self.last = found

    def end(self):
        self.ended.set()
        self.join()
        self.cursor.connection.close()


def measure(url, command, said=None, limit=None):
    """Runs a command beside a writer and a reader, and ends it after so many seconds."""
    beside = [Writer(url), Reader(url)]
    for one in beside:
        one.start()
    time.sleep(1)
    with tempfile.TemporaryFile() as log:
        start = time.monotonic()
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log)
        sampler = Sampler(url, process.pid)
        sampler.start()
        try:
            process.communicate(said, timeout=limit)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        takes = time.monotonic() - start
        sampler.end()
        for one in beside:
            one.end()
        log.seek(0)
        text = log.read().decode(errors="replace")
    was_ended = limit is not None and takes >= limit
    if process.returncode != 0 and not was_ended:
        raise SystemExit(f"{command} ended with {process.returncode}:\n{text}")
    steps, before = [], 0.0
    for what, at in [*sampler.steps, ("until the end", takes)]:
        steps.append((what, at - before))
        before = at
    return {
        "takes": takes,
        "was_ended": was_ended,
        "steps": steps,
        "lock": sampler.longest_lock,
        "of": sampler.of_lock,
        "writer": beside[0].longest,
        "writes": beside[0].times,
        "reader": beside[1].longest,
        "memory": sampler.peak / 1024,
        "said": text,
    }


class Databases:
    """Databases of our own in a server, dropped at the end."""

    def __init__(self, server):
        self.server, self.names = server, []
        self.cursor = connect(server).cursor()

    def url(self, name):
        return self.server.rsplit("/", 1)[0] + "/" + name

    def create(self, name, template="template1"):
        name = f"upgrade_bench_{name}_{os.getpid()}"
        self.names.append(name)
        self.cursor.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        return name

    def drop(self, name):
        self.cursor.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        self.names.remove(name)

    def drop_all(self):
        for name in list(self.names):
            self.drop(name)
        self.cursor.execute("CHECKPOINT")


def make_base(databases, sql, events):
    name = databases.create("base")
    connection = connect(databases.url(name))
    cursor = connection.cursor()
    cursor.execute(sql.read_text(encoding="utf-8"))
    cursor.execute("SET search_path = public")
    cursor.execute("SET statement_timeout = 0")
    for statement in NARROW:
        cursor.execute(statement)
    cursor.execute("SET maintenance_work_mem = '512MB'")
    cursor.execute("SET synchronous_commit = off")
    # Keys are built once, and not row by row.
    cursor.execute("SELECT indexdef, schemaname || '.' || indexname FROM pg_indexes WHERE schemaname = 'public' AND tablename IN"
                   " ('event_logs', 'asset_event_tags', 'run_tags', 'job_ticks') AND indexname NOT LIKE '%pkey'")
    indexes = cursor.fetchall()
    for _, index in indexes:
        cursor.execute(f"DROP INDEX {index}")
    for statement in FILL.split(";\n"):
        if statement.strip():
            start = time.monotonic()
            values = {"events": events, "steps": STEPS, "batch": BATCH, "after": 0}
            cursor.execute(statement, values)
            # Rows are stored in the order of their ids, as they would have been.
            while "%(after)s" in statement and cursor.rowcount > 0:
                values["after"] += BATCH
                cursor.execute(statement, values)
            if time.monotonic() - start > 5:
                print(f"  {statement.split('(')[0].strip()}: {time.monotonic() - start:.0f} s", flush=True)
    for definition, _ in indexes:
        cursor.execute(definition)
    cursor.execute("VACUUM (ANALYZE)")
    connection.close()
    return name


def size_of(url):
    cursor = connect(url).cursor()
    cursor.execute("SELECT pg_database_size(current_database())")
    size = cursor.fetchone()[0]
    counts = {}
    for table in ["event_logs", "runs", "run_tags", "asset_event_tags", "asset_keys", "bulk_actions", "job_ticks"]:
        cursor.execute(f"SELECT count(*), pg_total_relation_size('{table}') FROM {table}")
        counts[table] = cursor.fetchone()
    cursor.connection.close()
    return size, counts


def home_of(directory, name, url):
    home = directory / name
    home.mkdir()
    (home / "dagster.yaml").write_text(f"storage:\n  postgres:\n    postgres_url: {url}\ntelemetry:\n  enabled: false\n")
    return home


def seconds(value):
    return f"{value:.1f} s" if value >= 10 else f"{value:.2f} s" if value >= 1 else f"{value * 1000:.0f} ms"


def rows_of(name, ours, theirs):
    def ratio(key):
        return f"{theirs[key] / ours[key]:.1f}" if ours[key] > 0 else "-"

    def in_all(found):
        return f"ended after {seconds(found['takes'])}" if found["was_ended"] else seconds(found["takes"])

    more = "> " if theirs["was_ended"] else ""
    lines = [f"| {name}: in all | {in_all(theirs)} | {in_all(ours)} | {more}{ratio('takes')} |"]
    def of(found, key):
        return "none seen" if key == "lock" and found[key] == 0 else seconds(found[key])

    for key, label in [("lock", "longest ACCESS EXCLUSIVE"), ("writer", "longest pause of a writer"),
                       ("reader", "longest pause of a reader")]:
        ratio_of = ratio(key) if theirs[key] > 0 else "-"
        lines.append(f"| {name}: {label} | {of(theirs, key)} | {of(ours, key)} | {ratio_of} |")
    lines.append(f"| {name}: greatest memory | {theirs['memory']:.0f} MiB | {ours['memory']:.0f} MiB | {ratio('memory')} |")
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("server")
    parser.add_argument("sql", type=Path)
    parser.add_argument("binary", type=Path)
    parser.add_argument("--events", type=int, required=True)
    parser.add_argument("--document", type=Path)
    parser.add_argument("--limit", type=int, default=600, help="after how many seconds `reindex` is ended")
    args = parser.parse_args()
    databases = Databases(args.server)
    try:
        text = report(args, databases)
    finally:
        databases.drop_all()
    print(text)
    if args.document:
        args.document.write_text(text, encoding="utf-8")


def report(args, databases):
    start = time.monotonic()
    base = make_base(databases, args.sql, args.events)
    size, counts = size_of(databases.url(base))
    print(f"made in {time.monotonic() - start:.0f} s: {size / 1e9:.2f} GB, {counts}", flush=True)
    os.environ["DAGSTER_DISABLE_TELEMETRY"] = "1"
    found = {}
    with tempfile.TemporaryDirectory() as directory:
        # One after the other, so that they do not share the disk.
        for who in ["theirs", "ours"]:
            name = databases.create(who, base)
            url = databases.url(name)
            home = home_of(Path(directory), who, url)
            os.environ["DAGSTER_HOME"] = str(home)
            dagster, ours = [sys.executable, "-m", "dagster", "instance"], [str(args.binary), "--home", str(home)]
            for step, their_command, said, our_command in [
                ("migrate", ["migrate"], None, ["migrate"]),
                ("reindex", ["reindex"], None, ["reindex"]),
                ("bigint", ["migrate", "--bigint-migration"], b"MIGRATE\n", ["migrate", "--bigint", "--yes"]),
            ]:
                if step == "reindex":
                    connection = connect(url)
                    connection.cursor().execute(UNMARK)
                    connection.close()
                # What is half done in the others would be in the way of the next.
                limit = args.limit if step == "reindex" else None
                command = [*dagster, *their_command] if who == "theirs" else [*ours, *our_command]
                connect(url).cursor().execute("CHECKPOINT")
                bytes_before = size_of(url)[1]
                found[who, step] = measure(url, command, said if who == "theirs" else None, limit)
                found[who, step]["bytes"] = sum(size for _, size in bytes_before.values())
                print(who, step, {key: value for key, value in found[who, step].items() if key != "said"}, flush=True)
                print("\n".join("    " + line for line in found[who, step]["said"].splitlines()[-40:]), flush=True)
            databases.drop(name)
    return written(args, size, counts, found)


def written(args, size, counts, found):
    lines = [
        "# Upgrades of a large Postgres, beside Dagster",
        "",
        f"Written by `cargo xtask upgrade-bench --events {args.events}`; a run on another machine, or at another hour, has other",
        "figures, and about the same ratios. The database is one of Dagster 1.5 that an older release made, so that its ids have 32",
        "bits: the rows that Dagster 1.5 wrote for its fixture (`tests/fixtures/old/1.5`), copied by SQL with new ids of runs, names of",
        "assets and times. It is copied, and Dagster 1.13.27 and we upgrade a copy each, one after the other, while a writer (a run, a",
        "tag, an event, each a transaction) and a reader (the newest runs, the events of one) go on beside it. A pause is the longest time",
        "that one round of theirs took. Locks, revisions and the memory of the process (`VmHWM`) are looked at some 100 times a second, so",
        "that a lock that is shorter than 10 ms may not be seen.",
        "",
        f"The database has {size / 1e9:.2f} GB: "
        + ", ".join(f"{count:,} `{table}`" for table, (count, _) in counts.items())
        + ".",
        "",
        "| | Dagster | ours | ratio |",
        "| --- | ---: | ---: | ---: |",
    ]
    names = {"migrate": "`migrate`", "reindex": "`reindex`", "bigint": "ids of 64 bits"}
    for step, name in names.items():
        lines += rows_of(name, found["ours", step], found["theirs", step])
    for step, name in names.items():
        if found["theirs", step]["was_ended"]:
            done = re.findall(r"(\d+)/(\d+) \[", found["theirs", step]["said"])
            last = f" at {done[-1][0]} of {done[-1][1]} rows of the step that it was in" if done else ""
            lines += ["", f"{name} of Dagster was ended after {args.limit} s,{last}."]
    ours = found["ours", "bigint"]
    lines += [
        "",
        f"Our rewrite of the ids went over {ours['bytes'] / 1e9:.2f} GB of tables and indexes, at {ours['bytes'] / 1e6 / ours['takes']:.0f} MB"
        " a second. Dagster's leaves `asset_event_tags.event_id` and all sequences at 32 bits.",
        "",
        "Steps of `migrate`, by when the revision or the mark of a data migration changes:",
        "",
    ]
    for who, name in [("theirs", "Dagster"), ("ours", "ours")]:
        steps = [f"{what} {seconds(takes)}" for what, takes in found[who, "migrate"]["steps"] if takes >= 0.05]
        lines.append(f"* {name}: {', '.join(steps)}.")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
