"""Prints Jobs of Kubernetes, each as Dagster's `K8sRunLauncher` makes it of a run, or why it makes none.

    python kubernetes_jobs.py > tests/fixtures/kubernetes_jobs.json

A case has the configuration of the launcher, a run, and the environment of the launcher's process. Nothing is sent to a
cluster.
"""

import copy
import json
import os
from unittest import mock

import dagster._check as check
import dagster_k8s.launcher
from dagster._config import process_config
from dagster._core.instance import InstanceRef
from dagster._core.launcher import LaunchRunContext, ResumeRunContext
from dagster._core.origin import JobPythonOrigin, RepositoryPythonOrigin
from dagster._core.remote_origin import (
    GrpcServerCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.storage.dagster_run import DagsterRun
from dagster._core.code_pointer import ModuleCodePointer
from dagster._serdes import serialize_value
from kubernetes.client import ApiClient

RUN_ID = "0a1b2c3d-4e5f-6789-abcd-ef0123456789"
PLAIN = {"instance_config_map": "cm", "service_account_name": "sa"}
CONFIG = "dagster-k8s/config"
RESOURCES = "dagster-k8s/resource_requirements"

CASES = {
    "nothing but what has to be said": {},
    "everything of the first measurement": {
        "launcher": {
            "postgres_password_secret": "pgs",
            "job_image": "fallback:1",
            "env_config_maps": ["ecm"],
            "env_secrets": ["sec"],
            "env_vars": ["A=1"],
            "labels": {"team": "x"},
            "volumes": [{"name": "v", "emptyDir": {}}],
            "volume_mounts": [{"name": "v", "mountPath": "/v"}],
            "resources": {"limits": {"cpu": 1}},
            "run_k8s_config": {"container_config": {"envFrom": [{"secretRef": {"name": "s2"}}]}},
        },
        "context": {
            "env_vars": ["B=2"],
            "k8s": {
                "namespace": "ns2",
                "env": [{"name": "C", "value": "3"}],
                "image_pull_secrets": [{"name": "ips"}],
            },
        },
        "location": "my loc!",
        "tags": {
            CONFIG: {
                "container_config": {
                    "resources": {"limits": {"memory": "1Gi"}},
                    "env": [{"name": "D", "value": "4"}],
                    "command": ["x"],
                },
                "pod_spec_config": {"nodeSelector": {"a": "b"}, "tolerations": [{"key": "k"}]},
                "job_spec_config": {"ttlSecondsAfterFinished": 300},
                "job_metadata": {"annotations": {"q": "r"}},
                "pod_template_spec_metadata": {"labels": {"pl": "1"}},
            }
        },
    },
    "all fields of the launcher": {
        "launcher": {
            "dagster_home": "/home",
            "image_pull_policy": "Always",
            "image_pull_secrets": [{"name": "p"}],
            "job_namespace": {"env": "NAMESPACE"},
            "scheduler_name": "mine",
            "security_context": {"runAsUser": 7, "capabilities": {"add": ["SYS_PTRACE"]}},
            "fail_pod_on_run_failure": True,
            "env_vars": ["WITHOUT_VALUE", "EMPTY=", "TWO=a=b"],
            "env_secrets": [{"env": "NAMESPACE"}],
            "resources": {"requests": {"cpu": "250m"}, "limits": {"memory": "1Gi"}},
            "volume_mounts": [{"name": "v", "mount_path": "/v", "read_only": True, "sub_path": "s"}],
            "volumes": [{"name": "v", "config_map": {"name": "c", "items": [{"key": "k", "path": "p"}]}}],
        },
        "environment": {"NAMESPACE": "of-variable", "WITHOUT_VALUE": "7"},
    },
    "all fields of the code's context": {
        "context": {
            "env_vars": ["FROM_PROCESS", "X=1"],
            "k8s": {
                "env_vars": ["Y=2"],
                "image_pull_policy": "Never",
                "image_pull_secrets": [{"name": "p"}],
                "service_account_name": "of-code",
                "env_config_maps": ["ecm"],
                "env_secrets": [{"env": "FROM_PROCESS"}],
                "volume_mounts": [{"name": {"env": "FROM_PROCESS"}, "mountPath": "/v"}],
                "volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "c"}}],
                "labels": {"of": "code"},
                "namespace": {"env": "FROM_PROCESS"},
                "resources": {"limits": {"cpu": 2}},
                "scheduler_name": "s",
                "security_context": {"privileged": False},
                "run_k8s_config": {"pod_spec_config": {"dnsPolicy": "None"}},
                "server_k8s_config": {"container_config": {"env": [{"name": "NOT", "value": "here"}]}},
                "server_replica_count": 2,
            },
        },
        "environment": {"FROM_PROCESS": "of-process"},
    },
    "each layer adds to the lists of that below": {
        "launcher": {
            "env_vars": ["A=1", "B=1"],
            "run_k8s_config": {"pod_spec_config": {"tolerations": [{"key": "a"}, {"key": "b"}]}},
        },
        "context": {
            "env_vars": ["A=1", "B=2"],
            "k8s": {"run_k8s_config": {"pod_spec_config": {"tolerations": [{"key": "b"}, {"key": "c"}]}}},
        },
        "tags": {
            CONFIG: {
                "container_config": {"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "3"}]},
                "pod_spec_config": {"tolerations": [{"key": "c"}, {"key": "d"}]},
            }
        },
    },
    "doubles of one layer stay": {
        "launcher": {"env_vars": ["A=1", "A=1"]},
        "tags": {CONFIG: {"container_config": {"ports": [{"containerPort": 1}, {"containerPort": 1}]}}},
    },
    "numbers that are equal are doubles": {
        "launcher": {"run_k8s_config": {"pod_spec_config": {"topologySpreadConstraints": [
            {"maxSkew": 1, "topologyKey": "k", "whenUnsatisfiable": "w", "labelSelector": {"matchLabels": {"a": "b", "c": "d"}}}]}}},
        "tags": {CONFIG: {"pod_spec_config": {"topologySpreadConstraints": [
            {"max_skew": 1.0, "topology_key": "k", "when_unsatisfiable": "w", "label_selector": {"match_labels": {"c": "d", "a": "b"}}}]}}},
    },
    "command and arguments replace": {
        "launcher": {"run_k8s_config": {"container_config": {"command": ["a", "b"], "args": ["of", "launcher"]}}},
        "tags": {CONFIG: {"container_config": {"command": ["c"], "args": ["of", "tag"]}}},
    },
    "a scalar replaces a mapping, and an empty list adds nothing": {
        "launcher": {"run_k8s_config": {"pod_spec_config": {"hostNetwork": True, "tolerations": [{"key": "a"}, {"key": "a"}]}}},
        "tags": {CONFIG: {"pod_spec_config": {"host_network": False, "tolerations": []}}},
    },
    "a shallow tag": {
        "launcher": {
            "env_vars": ["A=1"],
            "resources": {"limits": {"cpu": 1}},
            "labels": {"team": "x"},
            "run_k8s_config": {"pod_spec_config": {"nodeSelector": {"a": "b"}, "dnsPolicy": "None"}},
        },
        "context": {"env_vars": ["B=2"], "k8s": {"labels": {"of": "code"}}},
        "tags": {
            CONFIG: {
                "merge_behavior": "SHALLOW",
                "container_config": {"env": [{"name": "C", "value": "3"}], "resources": {"limits": {"memory": "1Gi"}}},
                "pod_spec_config": {"nodeSelector": {"c": "d"}},
                "pod_template_spec_metadata": {"labels": {"only": "this"}},
            }
        },
    },
    "a shallow context": {
        "launcher": {"env_vars": ["A=1"], "resources": {"limits": {"cpu": 1}}},
        "context": {
            "env_vars": ["B=2"],
            "k8s": {
                "env": [{"name": "C", "value": "3"}],
                "resources": {"requests": {"cpu": 1}},
                "run_k8s_config": {
                    "merge_behavior": "SHALLOW",
                    "container_config": {"resources": {"limits": {"memory": "1Gi"}}},
                },
            },
        },
    },
    "a shallow context below a tag": {
        "launcher": {"env_vars": ["A=1"]},
        "context": {"k8s": {"run_k8s_config": {"merge_behavior": "SHALLOW", "container_config": {"env": [{"name": "B", "value": "2"}]}}}},
        "tags": {CONFIG: {"merge_behavior": "DEEP", "container_config": {"env": [{"name": "C", "value": "3"}]}}},
    },
    "snake_case at every depth": {
        "tags": {
            CONFIG: {
                "container_config": {
                    "liveness_probe": {"http_get": {"path": "/", "port": 80, "http_headers": [{"name": "a", "value": "b"}]}},
                    "env": [{"name": "N", "value_from": {"field_ref": {"field_path": "spec.nodeName"}}}],
                },
                "pod_spec_config": {
                    "affinity": {"node_affinity": {"required_during_scheduling_ignored_during_execution": {
                        "node_selector_terms": [{"match_expressions": [{"key": "k", "operator": "In", "values": ["v"]}]}]}}},
                },
                "job_spec_config": {"pod_failure_policy": {"rules": [{"action": "Ignore", "on_pod_conditions": [{"type": "t", "status": "True"}]}]}},
            }
        },
    },
    "camelCase at every depth": {
        "tags": {
            CONFIG: {
                "container_config": {
                    "livenessProbe": {"httpGet": {"path": "/", "port": "http", "httpHeaders": [{"name": "a", "value": "b"}]}},
                    "env": [{"name": "N", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k", "optional": True}}}],
                },
                "pod_spec_config": {
                    "affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [
                        {"weight": 1, "podAffinityTerm": {"topologyKey": "t", "labelSelector": {"matchLabels": {"snake_case": "camelCase"}}}}]}},
                    "volumes": [{"name": "v", "projected": {"sources": [{"serviceAccountToken": {"path": "p", "expirationSeconds": 7}}]}}],
                },
            }
        },
    },
    "free mappings keep their keys": {
        "tags": {
            CONFIG: {
                "container_config": {"resources": {"limits": {"nvidia.com/gpu": 1, "memoryLimit": "x", "a_b": "y"}}},
                "pod_spec_config": {"nodeSelector": {"nodeSelector": "x", "node_selector": "y"}},
                "pod_template_spec_metadata": {"annotations": {"mountPath": "z", "mount_path": "w"}},
            }
        },
    },
    "values become those of the model": {
        "tags": {
            CONFIG: {
                "container_config": {
                    "env": [{"name": "NUMBER", "value": 7}, {"name": "REAL", "value": 1.5}, {"name": "YES", "value": True}],
                    "resources": {"limits": {"cpu": 0.5, "memory": 1}},
                    "ports": [{"containerPort": "8080"}],
                    "stdin": 1,
                },
                "pod_spec_config": {"terminationGracePeriodSeconds": "30", "hostNetwork": "false"},
                "pod_template_spec_metadata": {"annotations": {"number": 1, "yes": True, "no": None, "list": ["a", 1, None]}},
            }
        },
    },
    "resources of the old tag": {
        "launcher": {"resources": {"limits": {"cpu": 1}}},
        "tags": {RESOURCES: {"limits": {"memory": "1Gi"}, "requests": {"cpu": "250m"}}},
    },
    "resources of the old tag replace those of the tag": {
        "tags": {
            CONFIG: {"container_config": {"resources": {"limits": {"cpu": 2}}, "stdin": True}},
            RESOURCES: {"requests": {"cpu": "250m"}},
        },
    },
    "an empty tag": {"tags": {CONFIG: {}}},
    "the image of the code": {"image": "code:1", "launcher": {"job_image": "fallback:1"}},
    "the image of the tag": {
        "image": "code:1",
        "launcher": {"job_image": "fallback:1"},
        "tags": {CONFIG: {"container_config": {"image": "tag:1"}}},
    },
    "the image of the context": {
        "image": "code:1",
        "context": {"k8s": {"run_k8s_config": {"container_config": {"image": "context:1"}}}},
    },
    "the fallback for an image": {"image": None, "launcher": {"job_image": "fallback:1"}},
    "no image": {"image": None},
    "own names and containers": {
        "tags": {
            CONFIG: {
                "container_config": {"name": "mine", "workingDir": "/w"},
                "pod_spec_config": {
                    "containers": [{"name": "sidecar", "image": "s:1", "volumeMounts": [{"name": "v", "mountPath": "/v"}]}],
                    "initContainers": [{"name": "init", "image": "i:1"}],
                    "restartPolicy": "OnFailure",
                    "automountServiceAccountToken": False,
                    "serviceAccountName": "of-tag",
                    "schedulerName": "of-tag",
                },
            }
        },
    },
    "the job's own parts": {
        "tags": {
            CONFIG: {
                "job_config": {"apiVersion": "batch/v0", "kind": "Mine"},
                "job_metadata": {
                    "name": "not-this",
                    "namespace": "nor-this",
                    "annotations": {"a": "b"},
                    "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u"}],
                },
                "job_spec_config": {"backoffLimit": 3, "activeDeadlineSeconds": 60, "ttlSecondsAfterFinished": None},
            }
        },
    },
    "labels in their order": {
        "launcher": {"labels": {"dagster/job": "launcher", "a": "launcher", "b": "launcher"}},
        "context": {"k8s": {"labels": {"a": "context", "c": "context"}}},
        "tags": {
            CONFIG: {
                "pod_template_spec_metadata": {"labels": {"dagster/run-id": "tag", "c": "tag"}},
                "job_metadata": {"labels": {"dagster/code-location": "tag"}},
            }
        },
    },
    "labels that are cut": {"job": "j" * 70, "location": "-_." + "l" * 70},
    "labels with other characters": {"job": "__a b", "location": "Standort/Köln (neu)"},
    "a label of __a b/c.é-_": {"job": "__a b/c.é-_"},
    "without a remote origin": {"location": None},
    "the deployment's name": {
        "launcher": {"env_vars": ["DAGSTER_CLOUD_DEPLOYMENT_NAME=my deployment"]},
        "context": {"env_vars": ["DAGSTER_CLOUD_DEPLOYMENT_NAME=other"]},
    },
    "the first attempt to resume": {"attempt": 1},
    "the twelfth attempt to resume, which fails its pod": {"attempt": 12, "launcher": {"fail_pod_on_run_failure": True}},
    "another entry point": {"entry_point": ["/venv/bin/python", "-m", "dagster"]},
    "no entry point": {"entry_point": None},
    "an empty entry point": {"entry_point": []},
    "allowed fields": {
        "launcher": {
            "only_allow_user_defined_k8s_config_fields": {
                "container_config": {"env": True, "resources": True},
                "pod_spec_config": {"nodeSelector": True},
                "job_spec_config": {"ttl_seconds_after_finished": True},
                "namespace": True,
            }
        },
        "context": {"k8s": {"namespace": "ns"}},
        "tags": {
            CONFIG: {
                "container_config": {"env": [{"name": "A", "value": "1"}]},
                "pod_spec_config": {"node_selector": {"a": "b"}},
                "job_spec_config": {"ttlSecondsAfterFinished": 7},
            }
        },
    },
    "a field that is not allowed": {
        "launcher": {"only_allow_user_defined_k8s_config_fields": {"container_config": {"env": True, "command": False}}},
        "tags": {CONFIG: {"container_config": {"command": ["x"]}}},
    },
    "a namespace that is not allowed": {
        "launcher": {"only_allow_user_defined_k8s_config_fields": {"container_config": {"env": True}}},
        "context": {"k8s": {"namespace": "ns", "service_account_name": "s"}},
    },
    "an allowed field that no model has": {
        "launcher": {"only_allow_user_defined_k8s_config_fields": {"container_config": {"zzz": True}}},
        "tags": {CONFIG: {"container_config": {"stdin": True}}},
    },
    "an allowed field in both spellings": {
        "launcher": {"only_allow_user_defined_k8s_config_fields": {"pod_spec_config": {"nodeSelector": True, "node_selector": True}}},
    },
    "nothing is allowed": {
        "launcher": {"only_allow_user_defined_k8s_config_fields": {}},
        "tags": {CONFIG: {"job_config": {"kind": "Job"}}},
    },
    "allowed variables": {
        "launcher": {"env_vars": ["OWN=1"], "only_allow_user_defined_env_vars": ["A", "B"]},
        "context": {"env_vars": ["A=1", "C=2"]},
        "tags": {CONFIG: {"container_config": {"env": [{"name": "B", "value": "3"}, {"name": "D", "value": "4"}]}}},
    },
    "no variable is allowed": {
        "launcher": {"env_vars": ["OWN=1"], "only_allow_user_defined_env_vars": []},
        "context": {"env_vars": ["A=1"]},
    },
    "both spellings of a key": {"tags": {CONFIG: {"container_config": {"volumeMounts": [], "volume_mounts": []}}}},
    "both spellings of a key below": {
        "tags": {CONFIG: {"container_config": {"env": [{"name": "a", "valueFrom": {}, "value_from": {}}]}}}
    },
    "an unknown key": {"tags": {CONFIG: {"container_config": {"zzz": 1}}}},
    "an unknown key below": {"tags": {CONFIG: {"pod_spec_config": {"volumes": [{"name": "v", "emptyDirectory": {}}]}}}},
    "an unknown key of the launcher's": {"launcher": {"volumes": [{"name": "v", "emptyDirectory": {}}]}},
    "a key that is required": {"tags": {CONFIG: {"container_config": {"env": [{"value": "1"}]}}}},
    "a key that is required in a mount": {"launcher": {"volume_mounts": [{"name": "v"}]}},
    "no mapping where one should be": {"tags": {CONFIG: {"container_config": {"resources": ["cpu"]}}}},
    "null where a mapping should be": {"tags": {CONFIG: {"container_config": {"resources": None}}}},
    "null for a text": {"tags": {CONFIG: {"pod_spec_config": {"dnsPolicy": None}}}},
    "a number for a list": {"tags": {CONFIG: {"pod_spec_config": {"tolerations": 7}}}},
    "a list on a mapping": {
        "launcher": {"run_k8s_config": {"pod_template_spec_metadata": {"annotations": {"a": {"b": "c"}}}}},
        "tags": {CONFIG: {"pod_template_spec_metadata": {"annotations": {"a": ["b"]}}}},
    },
    "a text that is no number": {"tags": {CONFIG: {"container_config": {"ports": [{"containerPort": "http"}]}}}},
    "a tag that is no JSON": {"tags": {CONFIG: "{"}},
    "a tag that is no mapping": {"tags": {CONFIG: []}},
    "an unknown part": {"tags": {CONFIG: {"container": {}}}},
    "a part that is no mapping": {"tags": {CONFIG: {"container_config": []}}},
    "a part that is null": {"tags": {CONFIG: {"container_config": None}}},
    "an unknown way to merge": {"tags": {CONFIG: {"merge_behavior": "DEEPER"}}},
    "an old tag that is no JSON": {"tags": {RESOURCES: "cpu"}},
    "an old tag with an unknown key": {"tags": {RESOURCES: {"limit": {}}}},
    "an unknown key of the context": {"context": {"k8s": {"name_space": "x"}}},
    "a wrong type in the context": {"context": {"k8s": {"labels": ["x"]}}},
    "a variable of the launcher that is not set": {"launcher": {"env_vars": ["MISSING"]}},
    "a variable of the context that is not set": {"context": {"env_vars": ["MISSING"]}},
    "a source of the context that is not set": {"context": {"k8s": {"namespace": {"env": "MISSING"}}}},
    "an unknown part of the context": {"context": {"k8s": {"run_k8s_config": {"container": {}}}}},
    "a context of other platforms": {"context": {"docker": {"networks": ["n"]}, "ecs": {}}},
    "a run id that is too long": {"run_id": "r" * 60},
}


class Instance:
    """What a launcher needs of an instance, as far as making a Job goes."""

    def __init__(self):
        self.reference = InstanceRef.from_dir("/usr", overrides={
            "storage": {"postgres": {"postgres_db": {"username": "u", "password": {"env": "PASSWORD"},
                                                     "hostname": "h", "db_name": "d"}}}})
        self.tags = {}
        self.events = []

    def get_ref(self):
        return self.reference

    def add_run_tags(self, _run_id, tags):
        self.tags.update(check.mapping_param(tags, "tags", key_type=str, value_type=str))

    def report_engine_event(self, message, dagster_run=None, engine_event_data=None, cls=None):
        metadata = engine_event_data.metadata if engine_event_data else {}
        self.events.append(
            {"message": f"[{cls.__name__}] {message}", "metadata": [[key, value.text] for key, value in metadata.items()]}
        )


def run_of(case):
    job = case.get("job", "jobn")
    location = case.get("location", "loc")
    code = RepositoryPythonOrigin(
        executable_path="/usr/bin/python3",
        code_pointer=ModuleCodePointer("shop", "defs", working_directory=None),
        container_image=case.get("image", "img:7"),
        entry_point=case.get("entry_point", ["dagster"]),
        container_context=case.get("context"),
    )
    remote = None
    if location is not None:
        origin = GrpcServerCodeLocationOrigin(host="localhost", port=4000, location_name=location)
        remote = RemoteJobOrigin(RemoteRepositoryOrigin(origin, "repo"), job)
    tags = {
        key: value if isinstance(value, str) else json.dumps(value)
        for key, value in case.get("tags", {}).items()
    }
    return DagsterRun(
        job_name=job,
        run_id=case.get("run_id", RUN_ID),
        tags=tags,
        job_code_origin=JobPythonOrigin(job, code),
        remote_job_origin=remote,
    )


def job_of(config, run, attempt):
    """What is sent, and what is told of it; or the error."""
    instance = Instance()
    sent = []
    client = mock.Mock()
    client.create_namespaced_job.side_effect = lambda **arguments: sent.append(arguments)
    try:
        processed = process_config(dagster_k8s.launcher.K8sRunLauncher.config_type(), copy.deepcopy(config))
        assert processed.success, processed.errors
        with mock.patch.object(dagster_k8s.launcher, "load_kubernetes_config"):
            launcher = dagster_k8s.launcher.K8sRunLauncher(
                k8s_client_batch_api=client, k8s_client_core_api=mock.Mock(), **processed.value
            )
        with mock.patch.object(dagster_k8s.launcher.K8sRunLauncher, "_instance", instance):
            if attempt:
                launcher.resume_run(ResumeRunContext(run, workspace=None, resume_attempt_number=attempt))
            else:
                launcher.launch_run(LaunchRunContext(run, workspace=None))
    except Exception as error:
        # The rest of an error of configurations is a stack trace with paths of this machine.
        return {"error": "\n".join(f"{type(error).__name__}: {error}".strip().splitlines()[:2])}
    job = ApiClient().sanitize_for_serialization(sent[0]["body"])
    arguments = job["spec"]["template"]["spec"]["containers"][0]["args"]
    # It is the same in all of them, and long.
    arguments[-1] = arguments[-1].replace(serialize_value(instance.get_ref()), "<instance_ref>")
    return {
        "namespace": sent[0]["namespace"],
        "job": job,
        "tags": instance.tags,
        "events": instance.events,
    }


def answer(name, case):
    config = {**PLAIN, **case.get("launcher", {})}
    environment = case.get("environment", {})
    run = run_of(case)
    with mock.patch.dict(os.environ, environment):
        os.environ.pop("MISSING", None)
        result = job_of(config, run, case.get("attempt"))
    return {
        "name": name,
        "launcher": config,
        "environment": environment,
        "run": serialize_value(run),
        "attempt": case.get("attempt"),
        "result": result,
    }


def main():
    answers = [answer(name, case) for name, case in CASES.items()]
    reference = serialize_value(Instance().get_ref())
    lines = ",\n".join(json.dumps(entry, sort_keys=True) for entry in answers)
    print(f'{{"instance_ref": {json.dumps(reference)},\n"cases": [\n{lines}\n]}}')


if __name__ == "__main__":
    main()
