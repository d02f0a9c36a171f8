"""A bridge: Dagster's own storage classes in front, an implementation in another process behind.

Every method of Dagster's three storage interfaces becomes one request, so that Dagster's own test suites, and anything
else that talks to a `DagsterInstance`, run against a storage that is not written in Python.

    client.py   how a request gets there: a function call, or JSON lines over a unix socket
    codec.py    how a value becomes JSON and a value again, told by its declared type
    spec.py     which methods there are, with which types: read from the annotations of the interfaces
    storage.py  the storages that Dagster sees
    default.py  ours in the place of the storages that Dagster takes by default
    server.py   the same protocol over Dagster's own storages: what to compare with

The protocol. A request, its answer, an error, and what a watched run pushes, each on one line:

    {"id": 7, "h": 3, "m": "run.get_runs", "a": {..arguments by name..}, "now": "2026-11-21T..+00:00", "print": false}
    {"id": 7, "ok": <result>}
    {"id": 7, "err": {"type": "dagster._core.errors.DagsterRunAlreadyExists", "msg": "..", "data": {..attributes..}}}
    {"watch": 12, "entry": <EventLogEntry>, "cursor": ".."}

`h` is the handle that `open` returns and names a set of storages; `now` is the clock of the test, which may be frozen.
Besides the methods of the interfaces (`run.*`, `event_log.*`, `schedule.*`) there are

    open               impl: sqlite, consolidated, memory, postgres, sqlite_run, sqlite_event_log or sqlite_schedule;
                       base_dir; postgres_url
    register_instance  the storages belong to an instance now
    close              dispose of the storages
    event_log.watch, event_log.end_watch    run_id, cursor, watch_id

and two arguments that are not the interface's: `__index_tags__`, the tag keys to index, where a test has patched
`get_asset_tags_to_index`; and `__default_op_limit__`, the one setting of the instance that an event log reads.

Environment variables:

    DAGSHIM_BACKEND       inproc (the default: server.py within the process) or socket
    DAGSHIM_SERVER        with socket: the program; it gets the path of the socket as its argument, prints one line when
                          it listens, and its standard input ends when its user is gone. server.py unless said
    DAGSHIM_STEXT         1: bodies travel as the text that Dagster stores, {"__s__": ".."}, not as nested objects
    DAGSHIM_POSTGRES_URL  the database of the suites that need one; they wipe it
    DAGSHIM_FAULT         a defect of server.py, to see that the suites notice; see there
"""
