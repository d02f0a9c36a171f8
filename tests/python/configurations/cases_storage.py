"""Where runs and events are kept: the forms of `storage`, of separate sections, and of Postgres."""

from configurations.case import BASE, Case

DB = """      username: dagster
      password: s3cr3t-of-db
      hostname: db.example
      db_name: dagster
"""


def postgres(inner):
    return "storage:\n  postgres:\n" + inner


def section(name, module, kind, config=""):
    return f"{name}:\n  module: {module}\n  class: {kind}\n" + (f"  config:\n{config}" if config else "")


def of_class(name, module, kind, config=""):
    return section(name, module, kind, "".join(f"    {line}\n" for line in config.splitlines()))


URL = "postgres_url: postgresql://u:s3cr3t-of-url@h/d"
RUNS = of_class("run_storage", "dagster_postgres.run_storage", "PostgresRunStorage", URL)
EVENTS = of_class("event_log_storage", "dagster_postgres.event_log", "PostgresEventLogStorage", URL)
SCHEDULES = of_class("schedule_storage", "dagster_postgres.schedule_storage", "PostgresScheduleStorage", URL)
SQLITE_RUNS = of_class("run_storage", "dagster._core.storage.runs", "SqliteRunStorage", f"base_dir: {BASE}/runs")

TEXTS = {
    "sqlite": f"storage:\n  sqlite:\n    base_dir: {BASE}/data\n",
    "sqlite_relative": "storage:\n  sqlite:\n    base_dir: data\n",
    "sqlite_relative_dot": "storage:\n  sqlite:\n    base_dir: ./data/../other/\n",
    "sqlite_home_sign": "storage:\n  sqlite:\n    base_dir: ~/data\n",
    "sqlite_variable_in_text": "storage:\n  sqlite:\n    base_dir: $DAGSTER_HOME/data\n",
    "sqlite_slash_at_end": f"storage:\n  sqlite:\n    base_dir: {BASE}/data/\n",
    "sqlite_double_slash": f"storage:\n  sqlite:\n    base_dir: {BASE}//data\n",
    "sqlite_nothing": "storage:\n  sqlite:\n",
    "sqlite_of_a_file": f"storage:\n  sqlite:\n    base_dir: {BASE}/home/dagster.yaml\n",
    "sqlite_env": "storage:\n  sqlite:\n    base_dir:\n      env: DIRECTORY\n",
    "sqlite_env_relative": "storage:\n  sqlite:\n    base_dir:\n      env: RELATIVE\n",
    "nothing": "storage:\n",
    "empty": "storage: {}\n",
    "text": "storage: sqlite\n",
    "text_of_one_letter": "storage: s\n",
    "list": "storage: [sqlite]\n",
    "unknown": "storage:\n  duckdb:\n    path: x\n",
    "two": f"storage:\n  sqlite:\n    base_dir: {BASE}/data\n  postgres:\n    {URL}\n",
    "mysql": "storage:\n  mysql:\n    mysql_url: mysql://u:s3cr3t@h/d\n",
    "mysql_both": "storage:\n  mysql:\n    mysql_url: mysql://u:s3cr3t@h/d\n    mysql_db: {}\n",
    "postgres_url": postgres(f"    {URL}\n"),
    "postgres_url_quoted": postgres("    postgres_url: 'postgresql://u:s3cr3t@h/d'\n"),
    "postgres_url_old_scheme": postgres("    postgres_url: postgres://u:s3cr3t@h/d\n"),
    "postgres_url_driver": postgres("    postgres_url: postgresql+psycopg2://u:s3cr3t@h/d\n"),
    "postgres_url_driver_absent": postgres("    postgres_url: postgresql+asyncpg://u:s3cr3t@h/d\n"),
    "postgres_url_driver_unknown": postgres("    postgres_url: postgresql+nothing://u:s3cr3t@h/d\n"),
    "postgres_url_sqlite": postgres(f"    postgres_url: sqlite:///{BASE}/x.db\n"),
    "postgres_url_mysql": postgres("    postgres_url: mysql://u:s3cr3t@h/d\n"),
    "postgres_url_no_scheme": postgres("    postgres_url: u:s3cr3t@h/d\n"),
    "postgres_url_upper_scheme": postgres("    postgres_url: POSTGRESQL://u:s3cr3t@h/d\n"),
    "postgres_url_empty": postgres("    postgres_url: ''\n"),
    "postgres_url_empty_and_db": postgres("    postgres_url: ''\n    postgres_db:\n" + DB),
    "postgres_url_socket": postgres("    postgres_url: postgresql+psycopg2://u:s3cr3t@/db?host=/path&port=5433\n"),
    "postgres_url_two_hosts": postgres("    postgres_url: postgresql://u:s3cr3t@/db?host=a:5432&host=b:5432\n"),
    "postgres_url_no_user": postgres("    postgres_url: postgresql://h/d\n"),
    "postgres_url_no_database": postgres("    postgres_url: postgresql://u:s3cr3t@h\n"),
    "postgres_url_raw_characters": postgres("    postgres_url: 'postgresql://u:s3cr3t#a?b/c[d&e$f@h:5433/d'\n"),
    "postgres_url_at_in_password": postgres("    postgres_url: 'postgresql://u:s3cr3t@a@h/d'\n"),
    "postgres_url_escapes": postgres("    postgres_url: 'postgresql://u%40x:s3cr3t%2Fa%20b@h/d'\n"),
    "postgres_url_ipv6": postgres("    postgres_url: 'postgresql://u:s3cr3t@[::1]:5433/d'\n"),
    "postgres_url_port_is_text": postgres("    postgres_url: 'postgresql://u:s3cr3t@h:port/d'\n"),
    "postgres_url_port_is_empty": postgres("    postgres_url: 'postgresql://u:s3cr3t@h:/d'\n"),
    "postgres_url_options": postgres("    postgres_url: 'postgresql://u:s3cr3t@h/d?options=-csearch_path%3Dx'\n"),
    "postgres_url_sslmode": postgres("    postgres_url: 'postgresql://u:s3cr3t@h/d?sslmode=require'\n"),
    "postgres_url_unknown_parameter": postgres("    postgres_url: 'postgresql://u:s3cr3t@h/d?unheard=of'\n"),
    "postgres_url_newline": postgres("    postgres_url: |\n      postgresql://u:s3cr3t@h/d\n"),
    "postgres_url_spaces": postgres("    postgres_url: ' postgresql://u:s3cr3t@h/d '\n"),
    "postgres_url_env": postgres("    postgres_url:\n      env: PG_URL\n"),
    "postgres_url_env_empty": postgres("    postgres_url:\n      env: EMPTY\n"),
    "postgres_url_env_unset": postgres("    postgres_url:\n      env: UNSET\n"),
    "postgres_url_env_newline": postgres("    postgres_url:\n      env: PG_URL_NEWLINE\n"),
    "postgres_url_and_db": postgres(f"    {URL}\n    postgres_db:\n" + DB),
    "postgres_neither": postgres("    should_autocreate_tables: false\n"),
    "postgres_nothing": "storage:\n  postgres:\n",
    "postgres_is_a_url": "storage:\n  postgres: postgresql://u:s3cr3t@h/d\n",
    "postgres_no_tables": postgres(f"    {URL}\n    should_autocreate_tables: false\n"),
    "postgres_no_tables_is_text": postgres(f"    {URL}\n    should_autocreate_tables: 'false'\n"),
    "postgres_no_tables_env": postgres(f"    {URL}\n    should_autocreate_tables:\n      env: YES\n"),
    "postgres_unknown_key": postgres(f"    {URL}\n    pool_size: 5\n"),
    "postgres_db": postgres("    postgres_db:\n" + DB),
    "postgres_db_port": postgres("    postgres_db:\n" + DB + "      port: 5433\n"),
    "postgres_db_port_zero": postgres("    postgres_db:\n" + DB + "      port: 0\n"),
    "postgres_db_port_minus": postgres("    postgres_db:\n" + DB + "      port: -1\n"),
    "postgres_db_port_large": postgres("    postgres_db:\n" + DB + "      port: 65536\n"),
    "postgres_db_port_huge": postgres("    postgres_db:\n" + DB + "      port: 9223372036854775808\n"),
    "postgres_db_port_is_text": postgres("    postgres_db:\n" + DB + "      port: '5433'\n"),
    "postgres_db_port_env": postgres("    postgres_db:\n" + DB + "      port:\n        env: PORT\n"),
    "postgres_db_port_env_newline": postgres("    postgres_db:\n" + DB + "      port:\n        env: PORT_NEWLINE\n"),
    "postgres_db_port_env_underscore": postgres("    postgres_db:\n" + DB + "      port:\n        env: PORT_UNDERSCORE\n"),
    "postgres_db_port_env_octal": postgres("    postgres_db:\n" + DB + "      port:\n        env: PORT_OCTAL\n"),
    "postgres_db_port_env_hex": postgres("    postgres_db:\n" + DB + "      port:\n        env: PORT_HEX\n"),
    "postgres_db_port_env_float": postgres("    postgres_db:\n" + DB + "      port:\n        env: PORT_FLOAT\n"),
    "postgres_db_port_env_digits_of_others": postgres("    postgres_db:\n" + DB + "      port:\n        env: PORT_ARABIC\n"),
    "postgres_db_port_env_empty": postgres("    postgres_db:\n" + DB + "      port:\n        env: EMPTY\n"),
    "postgres_db_port_env_plus": postgres("    postgres_db:\n" + DB + "      port:\n        env: PORT_PLUS\n"),
    "postgres_db_no_password": postgres("    postgres_db:\n" + DB.replace("      password: s3cr3t-of-db\n", "")),
    "postgres_db_password_empty": postgres("    postgres_db:\n" + DB.replace("s3cr3t-of-db", "''")),
    "postgres_db_password_number": postgres("    postgres_db:\n" + DB.replace("s3cr3t-of-db", "12345")),
    "postgres_db_password_signs": postgres("    postgres_db:\n" + DB.replace("s3cr3t-of-db", "'s3cr3t/ss@w:rd#?%+ é'")),
    "postgres_db_password_tilde": postgres("    postgres_db:\n" + DB.replace("s3cr3t-of-db", "'s3cr3t-._~!$&()*,;=[]'")),
    "postgres_db_user_signs": postgres("    postgres_db:\n" + DB.replace("username: dagster", "username: 'a/b@c:d e'")),
    "postgres_db_password_env": postgres("    postgres_db:\n" + DB.replace("s3cr3t-of-db", "\n        env: PASSWORD")),
    "postgres_db_password_env_empty": postgres("    postgres_db:\n" + DB.replace("s3cr3t-of-db", "\n        env: EMPTY")),
    "postgres_db_password_env_newline": postgres(
        "    postgres_db:\n" + DB.replace("s3cr3t-of-db", "\n        env: PASSWORD_NEWLINE")
    ),
    "postgres_db_host_empty": postgres("    postgres_db:\n" + DB.replace("db.example", "''")),
    "postgres_db_socket": postgres(
        "    postgres_db:\n" + DB.replace("db.example", "''") + "      params:\n        host: /path\n"
    ),
    "postgres_db_host_ipv6": postgres("    postgres_db:\n" + DB.replace("db.example", "'::1'")),
    "postgres_db_host_ipv6_brackets": postgres("    postgres_db:\n" + DB.replace("db.example", "'[::1]'")),
    "postgres_db_name_empty": postgres("    postgres_db:\n" + DB.replace("db_name: dagster", "db_name: ''")),
    "postgres_db_name_signs": postgres("    postgres_db:\n" + DB.replace("db_name: dagster", "db_name: 'a b?c#d'")),
    "postgres_db_params": postgres(
        "    postgres_db:\n" + DB + "      params:\n        sslmode: require\n        connect_timeout: 10\n"
    ),
    "postgres_db_params_values": postgres(
        "    postgres_db:\n"
        + DB
        + "      params:\n        a: true\n        b: 1.5\n        c: null\n        d: 'x y/z&é'\n        e: [1, 2]\n"
    ),
    "postgres_db_params_options": postgres("    postgres_db:\n" + DB + "      params:\n        options: -csearch_path=x\n"),
    "postgres_db_params_env": postgres("    postgres_db:\n" + DB + "      params:\n        sslmode:\n          env: YES\n"),
    "postgres_db_params_empty": postgres("    postgres_db:\n" + DB + "      params: {}\n"),
    "postgres_db_params_null": postgres("    postgres_db:\n" + DB + "      params:\n"),
    "postgres_db_params_text": postgres("    postgres_db:\n" + DB + "      params: sslmode=require\n"),
    "postgres_db_params_number_key": postgres("    postgres_db:\n" + DB + "      params:\n        1: a\n"),
    "postgres_db_scheme": postgres("    postgres_db:\n" + DB + "      scheme: postgresql+psycopg2\n"),
    "postgres_db_scheme_old": postgres("    postgres_db:\n" + DB + "      scheme: postgres\n"),
    "postgres_db_scheme_empty": postgres("    postgres_db:\n" + DB + "      scheme: ''\n"),
    "postgres_db_misspelt": postgres("    postgres_db:\n" + DB + "      prot: 5433\n"),
    "postgres_db_host_misspelt": postgres("    postgres_db:\n" + DB.replace("hostname", "host")),
    "postgres_auth_aws": postgres("    postgres_db:\n" + DB + "    auth_provider:\n      aws_wif:\n        region: eu-west-1\n"),
    "postgres_auth_aws_no_region": postgres("    postgres_db:\n" + DB + "    auth_provider:\n      aws_wif: {}\n"),
    "postgres_auth_aws_env": postgres(
        "    postgres_db:\n" + DB + "    auth_provider:\n      aws_wif:\n        region:\n          env: UNSET\n"
    ),
    "postgres_auth_gcp": postgres("    postgres_db:\n" + DB + "    auth_provider:\n      gcp_wif: {}\n"),
    "postgres_auth_gcp_nothing": postgres("    postgres_db:\n" + DB + "    auth_provider:\n      gcp_wif:\n"),
    "postgres_auth_azure": postgres("    postgres_db:\n" + DB + "    auth_provider:\n      azure_wif: {}\n"),
    "postgres_auth_azure_scope": postgres("    postgres_db:\n" + DB + "    auth_provider:\n      azure_wif:\n        scope: x\n"),
    "postgres_auth_empty": postgres("    postgres_db:\n" + DB + "    auth_provider: {}\n"),
    "postgres_auth_unknown": postgres("    postgres_db:\n" + DB + "    auth_provider:\n      other: {}\n"),
    "postgres_auth_two": postgres("    postgres_db:\n" + DB + "    auth_provider:\n      gcp_wif: {}\n      azure_wif: {}\n"),
    "postgres_auth_and_url": postgres(f"    {URL}\n    auth_provider:\n      gcp_wif: {{}}\n"),
    "separate": RUNS + EVENTS + SCHEDULES,
    "separate_runs": RUNS,
    "separate_events": EVENTS,
    "separate_schedules": SCHEDULES,
    "separate_sqlite_runs": SQLITE_RUNS,
    "separate_mixed": SQLITE_RUNS + EVENTS,
    "separate_and_storage": RUNS + f"storage:\n  sqlite:\n    base_dir: {BASE}/data\n",
    "separate_null_and_storage": f"run_storage:\nstorage:\n  sqlite:\n    base_dir: {BASE}/data\n",
    "separate_null": "run_storage:\n",
    "separate_empty": "run_storage: {}\n",
    "separate_old_modules": of_class("run_storage", "dagster.core.storage.runs", "SqliteRunStorage", f"base_dir: {BASE}/r")
    + of_class("event_log_storage", "dagster.core.storage.event_log", "SqliteEventLogStorage", f"base_dir: {BASE}/e")
    + of_class("schedule_storage", "dagster.core.storage.schedules", "SqliteScheduleStorage", f"base_dir: {BASE}/s"),
    "separate_consolidated": of_class(
        "event_log_storage", "dagster.core.storage.event_log", "ConsolidatedSqliteEventLogStorage", f"base_dir: {BASE}/e"
    ),
    "separate_one_directory": of_class("run_storage", "dagster.core.storage.runs", "SqliteRunStorage", f"base_dir: {BASE}/x")
    + of_class("event_log_storage", "dagster.core.storage.event_log", "SqliteEventLogStorage", f"base_dir: {BASE}/x")
    + of_class("schedule_storage", "dagster.core.storage.schedules", "SqliteScheduleStorage", f"base_dir: {BASE}/x"),
    "separate_other_module": of_class("run_storage", "dagster_postgres", "PostgresRunStorage", URL),
    "separate_module_of_package": of_class("run_storage", "dagster_postgres.run_storage.run_storage", "PostgresRunStorage", URL),
    "separate_no_config": of_class("run_storage", "dagster._core.storage.runs", "SqliteRunStorage"),
    "separate_in_memory": of_class("run_storage", "dagster._core.storage.runs", "InMemoryRunStorage"),
    "separate_wrong_class": of_class("run_storage", "dagster._core.storage.event_log", "SqliteEventLogStorage", f"base_dir: {BASE}/r"),
    "separate_whole_storage": of_class("run_storage", "dagster_postgres", "DagsterPostgresStorage", URL),
    "separate_unknown_class": of_class("run_storage", "dagster_postgres", "PooledRunStorage", URL),
    "separate_unknown_module": of_class("run_storage", "storages_of_ours", "PooledPostgresRunStorage", URL),
    "separate_mysql": of_class("run_storage", "dagster_mysql.run_storage", "MySQLRunStorage", "mysql_url: mysql://u:s3cr3t@h/d"),
    "separate_no_module": "run_storage:\n  class: SqliteRunStorage\n",
    "separate_unknown_key": RUNS + "  extra: 1\n",
    "custom_postgres": "storage:\n  custom:\n    module: dagster_postgres\n    class: DagsterPostgresStorage\n    config:\n"
    f"      {URL}\n",
    "custom_postgres_db": "storage:\n  custom:\n    module: dagster_postgres\n    class: DagsterPostgresStorage\n    config:\n"
    "      postgres_db:\n" + "".join(f"  {line}\n" for line in DB.splitlines()),
    "custom_postgres_module": "storage:\n  custom:\n    module: dagster_postgres.storage\n    class: DagsterPostgresStorage\n"
    f"    config:\n      {URL}\n",
    "custom_sqlite": "storage:\n  custom:\n    module: dagster._core.storage.sqlite_storage\n    class: DagsterSqliteStorage\n"
    f"    config:\n      base_dir: {BASE}/data\n",
    "custom_sqlite_old": "storage:\n  custom:\n    module: dagster.core.storage.sqlite_storage\n    class: DagsterSqliteStorage\n"
    f"    config:\n      base_dir: {BASE}/data\n",
    "custom_sqlite_env": "storage:\n  custom:\n    module: dagster._core.storage.sqlite_storage\n    class: DagsterSqliteStorage\n"
    "    config:\n      base_dir:\n        env: DIRECTORY\n",
    "custom_unknown": "storage:\n  custom:\n    module: storages_of_ours\n    class: OurStorage\n    config:\n      a: 1\n",
    "custom_separate_class": "storage:\n  custom:\n    module: dagster_postgres\n    class: PostgresRunStorage\n    config:\n"
    f"      {URL}\n",
    "custom_no_config": "storage:\n  custom:\n    module: dagster_postgres\n    class: DagsterPostgresStorage\n",
    "custom_nothing": "storage:\n  custom:\n",
    "custom_composite": "storage:\n  custom:\n    module: dagster._core.storage.legacy_storage\n    class: CompositeStorage\n"
    "    config:\n      run_storage: {module_name: dagster_postgres, class_name: PostgresRunStorage, config_yaml: "
    "'postgres_url: postgresql://u:s3cr3t@h/d'}\n"
    "      event_log_storage: {module_name: dagster_postgres, class_name: PostgresEventLogStorage, config_yaml: "
    "'postgres_url: postgresql://u:s3cr3t@h/d'}\n"
    "      schedule_storage: {module_name: dagster_postgres, class_name: PostgresScheduleStorage, config_yaml: "
    "'postgres_url: postgresql://u:s3cr3t@h/d'}\n",
}
ENVIRONMENT = {
    "DIRECTORY": BASE + "/of-variable",
    "RELATIVE": "of-variable",
    "EMPTY": "",
    "YES": "yes",
    "PG_URL": "postgresql://u:s3cr3t-of-variable@h/d",
    "PG_URL_NEWLINE": "postgresql://u:s3cr3t-of-variable@h/d\n",
    "PASSWORD": "s3cr3t/of@variable",
    "PASSWORD_NEWLINE": "s3cr3t\n",
    "PORT": "5433",
    "PORT_NEWLINE": "5433\n",
    "PORT_UNDERSCORE": "5_433",
    "PORT_OCTAL": "05433",
    "PORT_HEX": "0x1539",
    "PORT_FLOAT": "5433.0",
    "PORT_ARABIC": "٥٤٣٣",
    "PORT_PLUS": "+5433",
}


def cases():
    for name, text in TEXTS.items():
        yield Case(f"storage/{name}", text, ENVIRONMENT)
