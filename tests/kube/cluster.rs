//! A real API server of Kubernetes with its store and its controllers, on loopback. There is no scheduler and no kubelet: no
//! container runs, and tests say how pods are.
#![expect(clippy::disallowed_methods, reason = "tests start the programs that they test with")]

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use dagster_instance_tests::python;
use kube::api::{ListParams, Patch, PatchParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::Request;
use kube::{Client, Config};
use serde_json::Value;
use tempfile::TempDir;

/// How long anything may take that the programs do by themselves.
const PATIENCE: Duration = Duration::from_mins(2);

/// The user who may do everything.
pub(crate) const ADMIN: &str = "admin";
/// A user who may do nothing.
pub(crate) const NOBODY: &str = "nobody";

/// The programs of one cluster. They end with this.
pub(crate) struct Cluster {
    directory: TempDir,
    port: u16,
    store_port: u16,
    store: Option<Child>,
    api: Option<Child>,
    controllers: Option<Child>,
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for child in [&mut self.controllers, &mut self.api, &mut self.store] {
            end(child);
        }
    }
}

fn end(child: &mut Option<Child>) {
    if let Some(mut child) = child.take() {
        let _ = child.kill();
        let _ = child.wait();
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

fn programs() -> PathBuf {
    let named = std::env::var_os("DAGSTER_INSTANCE_TEST_KUBERNETES");
    named
        .map(PathBuf::from)
        .expect("DAGSTER_INSTANCE_TEST_KUBERNETES, which `cargo xtask kube` sets")
}

impl Cluster {
    /// Starts a cluster, which has the service account `sa` in the namespace `default`.
    pub(crate) async fn start() -> Self {
        let directory = tempfile::Builder::new().prefix("kube-").tempdir().expect("a directory");
        let (port, store_port) = (free_port(), free_port());
        let mut cluster =
            Self { directory, port, store_port, store: None, api: None, controllers: None };
        let key = "from cryptography.hazmat.primitives.asymmetric import rsa\n\
            from cryptography.hazmat.primitives import serialization as s\n\
            key = rsa.generate_private_key(65537, 2048)\n\
            print(key.private_bytes(s.Encoding.PEM, s.PrivateFormat.TraditionalOpenSSL, s.NoEncryption()).decode())";
        let key = Command::new(python()).args(["-c", key]).output().expect("a key");
        fs::write(cluster.path("key.pem"), key.stdout).expect("written");
        let tokens = format!("{ADMIN},{ADMIN},1,\"system:masters\"\n{NOBODY},{NOBODY},2\n");
        fs::write(cluster.path("tokens.csv"), tokens).expect("written");
        cluster.start_store();
        cluster.start_api().await;
        cluster.start_controllers();
        let account = serde_json::json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "sa"}});
        cluster.create("/api/v1/namespaces/default/serviceaccounts", &account).await;
        cluster
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn command(&self, program: &str) -> Command {
        let log =
            File::options().create(true).append(true).open(self.path(&format!("{program}.log")));
        let log = log.expect("a log");
        let mut command = Command::new(programs().join(program));
        command.stdin(Stdio::null()).stdout(log.try_clone().expect("a log")).stderr(log);
        command
    }

    fn start_store(&mut self) {
        let client = format!("http://127.0.0.1:{}", self.store_port);
        let peer = format!("http://127.0.0.1:{}", free_port());
        let mut store = self.command("etcd");
        store.arg("--data-dir").arg(self.path("store"));
        store.args(["--listen-client-urls", &client, "--advertise-client-urls", &client]);
        store.args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer]);
        store.args(["--initial-cluster", &format!("default={peer}")]);
        self.store = Some(store.spawn().expect("etcd"));
    }

    /// Starts the API server, on the port that it had before, and waits until it answers.
    pub(crate) async fn start_api(&mut self) {
        let key = self.path("key.pem");
        let mut api = self.command("kube-apiserver");
        api.arg(format!("--etcd-servers=http://127.0.0.1:{}", self.store_port));
        api.arg(format!("--secure-port={}", self.port));
        api.args(["--bind-address=127.0.0.1", "--advertise-address=127.0.0.1"]);
        api.args(["--endpoint-reconciler-type=none", "--authorization-mode=RBAC"]);
        api.arg(format!("--cert-dir={}", self.path("certificates").display()));
        api.arg(format!("--token-auth-file={}", self.path("tokens.csv").display()));
        api.arg("--service-account-issuer=https://kubernetes.default.svc");
        api.arg(format!("--service-account-signing-key-file={}", key.display()));
        api.arg(format!("--service-account-key-file={}", key.display()));
        api.args([
            "--service-cluster-ip-range=10.0.0.0/24",
            "--feature-gates=TTLAfterFinished=true",
        ]);
        self.api = Some(api.spawn().expect("kube-apiserver"));
        for user in [ADMIN, NOBODY] {
            fs::write(self.kubeconfig(user), self.kubeconfig_of(user)).expect("written");
        }
        let started = Instant::now();
        loop {
            if self.certificate().is_file() {
                let ready =
                    Request::new("/readyz").list(&ListParams::default()).expect("a request");
                if self.client(ADMIN).await.request_text(ready).await.is_ok() {
                    return;
                }
            }
            let ended = self.api.as_mut().and_then(|api| api.try_wait().ok().flatten());
            assert!(ended.is_none() && started.elapsed() < PATIENCE, "{}", self.logs());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Kills the API server.
    pub(crate) fn kill_api(&mut self) {
        end(&mut self.api);
    }

    fn start_controllers(&mut self) {
        let mut controllers = self.command("kube-controller-manager");
        controllers.arg(format!("--kubeconfig={}", self.kubeconfig(ADMIN).display()));
        controllers.arg(
            "--controllers=job,ttl-after-finished,serviceaccount,serviceaccount-token,garbagecollector,resourcequota",
        );
        controllers
            .arg(format!("--service-account-private-key-file={}", self.path("key.pem").display()));
        controllers.arg(format!("--cert-dir={}", self.path("controllers").display()));
        controllers.arg(format!("--secure-port={}", free_port()));
        controllers.args(["--port=0", "--bind-address=127.0.0.1", "--leader-elect=false"]);
        controllers.arg("--feature-gates=TTLAfterFinished=true");
        self.controllers = Some(controllers.spawn().expect("kube-controller-manager"));
    }

    /// The certificate that the API server made itself.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.path("certificates/apiserver.crt")
    }

    /// The file by which a user reaches the cluster.
    pub(crate) fn kubeconfig(&self, user: &str) -> PathBuf {
        self.path(&format!("{user}.kubeconfig"))
    }

    fn kubeconfig_of(&self, user: &str) -> String {
        serde_json::json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "c",
            "clusters": [{"name": "c", "cluster": {
                "server": format!("https://127.0.0.1:{}", self.port),
                "certificate-authority": self.certificate()}}],
            "users": [{"name": user, "user": {"token": user}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": user}}],
        })
        .to_string()
    }

    async fn client(&self, user: &str) -> Client {
        let file: &Path = &self.kubeconfig(user);
        let kubeconfig = Kubeconfig::read_from(file).expect("a kubeconfig");
        let options = KubeConfigOptions::default();
        let config = Config::from_custom_kubeconfig(kubeconfig, &options).await;
        Client::try_from(config.expect("a configuration")).expect("a client")
    }

    /// The end of what the programs logged.
    fn logs(&self) -> String {
        let of =
            |program| fs::read_to_string(self.path(&format!("{program}.log"))).unwrap_or_default();
        let end = |text: String| {
            text.chars().rev().take(3000).collect::<Vec<_>>().into_iter().rev().collect()
        };
        let logs: Vec<String> =
            ["etcd", "kube-apiserver", "kube-controller-manager"].map(of).map(end).into();
        logs.join("\n---\n")
    }

    /// Makes a thing below a path.
    pub(crate) async fn create(&self, path: &str, body: &Value) -> Value {
        let request = Request::new(path).create(&PostParams::default(), body.to_string().into());
        let made = self.client(ADMIN).await.request(request.expect("a request")).await;
        made.unwrap_or_else(|error| panic!("{path}: {error}\n{}", self.logs()))
    }

    /// What is at a path, or the things below it.
    pub(crate) async fn get(&self, path: &str) -> Result<Value, kube::Error> {
        let request = Request::new(path).list(&ListParams::default()).expect("a request");
        self.client(ADMIN).await.request(request).await
    }

    /// Waits until what is at a path is as wanted.
    pub(crate) async fn wait(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let started = Instant::now();
        loop {
            let found = self.get(path).await;
            if let Ok(found) = &found
                && wanted(found)
            {
                return found.clone();
            }
            assert!(started.elapsed() < PATIENCE, "{path}: {found:?}\n{}", self.logs());
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Says how a pod is, as its kubelet would.
    pub(crate) async fn set_pod_status(&self, pod: &str, status: &Value) {
        let patch = Patch::Merge(serde_json::json!({"status": status}));
        let request = Request::new("/api/v1/namespaces/default/pods").patch_subresource(
            "status",
            pod,
            &PatchParams::default(),
            &patch,
        );
        let patched = self.client(ADMIN).await.request::<Value>(request.expect("a request")).await;
        patched.expect("a pod");
    }
}
