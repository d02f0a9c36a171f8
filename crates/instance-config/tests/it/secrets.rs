//! Secrets are in nothing that is told of a file.

use instance_config::{LoadSettings, check_config, describe_settings};

use crate::support::{Variables, home_with};

/// What nothing may hold.
const SECRET: &str = "hunter2";

/// Files with the secret wherever one may stand, rightly or by mistake.
#[test]
fn no_secret_is_shown() {
    let class = |section: &str, module: &str, class: &str, config: &str| {
        format!("{section}: {{module: {module}, class: {class}, config: {config}}}\n")
    };
    let launcher = |config: &str| {
        class(
            "run_launcher",
            "dagster_k8s",
            "K8sRunLauncher",
            &format!("{{instance_config_map: m, {config}}}"),
        )
    };
    let postgres = |config: &str| format!("storage: {{postgres: {config}}}\n");
    let parts = "username: u, hostname: h, db_name: d";
    let files = [
        postgres("{postgres_url: 'postgresql://u:hunter2@h/d?sslpassword=hunter2'}"),
        postgres("{postgres_url: {env: URL}}"),
        postgres("{postgres_url: hunter2}"),
        postgres("{postgres_url: 'postgresql://u@h:hunter2/d'}"),
        postgres("{postgres_url: 'mysql://u:hunter2@h/d'}"),
        postgres("{postgres_url: [hunter2]}"),
        postgres("hunter2"),
        postgres("{postgres_db: hunter2}"),
        postgres(&format!("{{postgres_db: {{{parts}, password: hunter2, params: {{sslpassword: hunter2}}}}}}")),
        postgres(&format!("{{postgres_db: {{{parts}, password: {{env: SECRET}}, params: hunter2}}}}")),
        postgres(&format!("{{postgres_db: {{{parts}, password: {{vault: hunter2}}}}}}")),
        postgres(&format!("{{postgres_db: {{{parts}, password: [hunter2]}}}}")),
        postgres(&format!("{{postgres_db: {{{parts}, pasword: hunter2}}}}")),
        postgres(&format!("{{postgres_db: {{{parts}, \"password:hunter2\": 1}}}}")),
        postgres(&format!("{{postgres_db: {{{parts}, hostname2: {{x: hunter2}}}}}}")),
        "storage: {mysql: {mysql_url: 'mysql://u:hunter2@h/d'}}\n".to_owned(),
        format!("storage: {{mysql: {{mysql_db: {{{parts}, password: hunter2}}}}}}\n"),
        "storage: {custom: {module: mine, class: Mine, config: {url: hunter2, more: {key: hunter2}}}}\n".to_owned(),
        "storage: {custom: {module: mine, class: DagsterPostgresStorage, config: {url: hunter2}}}\n".to_owned(),
        "storage: {custom: {module: dagster._core.storage.legacy_storage, class: CompositeStorage, config: {run_storage: \
         {module_name: dagster_postgres, class_name: PostgresRunStorage, config_yaml: 'postgres_url: hunter2'}}}}\n"
            .to_owned(),
        "storage: {postgrs: {password: hunter2}}\n".to_owned(),
        "password: hunter2\n".to_owned(),
        "instance_class: {module: mine, class: Mine, config: {token: hunter2}}\n".to_owned(),
        launcher("env_vars: ['PASSWORD=hunter2']"),
        launcher("env_vars: hunter2"),
        launcher("run_k8s_config: {container_config: {env: [{name: PASSWORD, value: hunter2}]}}"),
        launcher("run_k8s_config: {pod_spec_config: {containers: [{env: [{name: A, value: hunter2}]}]}}"),
        launcher("run_k8s_config: {job_config: {env: [{name: DB_PASSWORD, value: hunter2}], api_token: hunter2}}"),
        launcher("volumes: [{name: v, csi: {secret: hunter2, url: 'https://u:hunter2@h/'}}]"),
        launcher("no_such_key: hunter2"),
        class("run_launcher", "dagster_docker", "DockerRunLauncher", "{registry: {url: 'https://u:hunter2@h', username: u, password: hunter2}, container_kwargs: {environment: {A: hunter2}}}"),
        class("run_launcher", "dagster_celery.launcher", "CeleryRunLauncher", "{broker: 'amqp://u:hunter2@h/', backend: hunter2, config_source: {x: hunter2}}"),
        class("compute_logs", "dagster_azure.blob", "AzureBlobComputeLogManager", "{storage_account: a, container: c, access_key_or_sas_token: hunter2, secret_credential: {client_id: i, client_secret: hunter2, tenant_id: t}}"),
        class("compute_logs", "mine", "Mine", "hunter2"),
        class("defs_state_storage", "dagster", "UPathDefsStateStorage", "{base_path: 's3://u:hunter2@b', storage_options: {secret: hunter2}}"),
        "auto_materialize: {run_tags: {api_key: hunter2}}\n".to_owned(),
        "python_logs: {dagster_handler_config: {handlers: {h: {password: hunter2}}}}\n".to_owned(),
        "telemetry: hunter2: 1\n".to_owned(),
        "storage: \"hunter2\n".to_owned(),
    ];
    let variables =
        Variables(&[("SECRET", SECRET), ("URL", "postgresql://u:hunter2@h/d?password=hunter2")]);
    for text in &files {
        let home = home_with(text);
        let request = LoadSettings::new(home.path());
        let check = check_config(&request, &variables).unwrap();
        let shown = match describe_settings(&request, &variables) {
            Ok(description) => format!("{description:?}"),
            Err(error) => format!("{error} {error:?}"),
        };
        assert!(!format!("{check:?}").contains(SECRET), "{text}{check:?}");
        assert!(!shown.contains(SECRET), "{text}{shown}");
    }
}
