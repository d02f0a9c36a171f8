"""Serves S3, and does with Dagster's compute logs in S3 what it is told.

compute_logs_s3.py --serve: serves on loopback until its standard input ends, by HTTP and by HTTPS; says where, and in
which file the certificate of its authority is.
compute_logs_s3.py URL: for each line {"settings": the configuration, "operations": a list of them} of its standard
input a line {"answers": one for each operation}, or {"error": why there are none}. Bytes are text in Latin-1.
"""

import argparse
import datetime
import ipaddress
import json
import os
import sys
import tempfile
import threading
import traceback
import urllib.error
import urllib.request

import boto3
import common
from compute_logs import Operations, text

# The server takes everyone; a client needs some.
os.environ |= {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any", "AWS_EC2_METADATA_DISABLED": "true"}


class S3Operations(Operations):
    """Operations on a bucket; those that are not of captured logs are on the objects themselves."""

    def __init__(self, url, settings):
        from dagster._core.storage.compute_log_manager import ComputeIOType
        from dagster_aws.s3.compute_log_manager import S3ComputeLogManager

        self.client = boto3.client("s3", endpoint_url=url)
        self.bucket = settings["bucket"]
        self.client.create_bucket(Bucket=self.bucket)
        self.io_type = ComputeIOType
        super().__init__(S3ComputeLogManager(endpoint_url=url, **settings))

    def list(self, prefix, io_type):
        return sorted(self.logs.get_log_keys_for_log_key_prefix(prefix, self.io_type(io_type)))

    def metadata(self, key):
        """Where the outputs are, and what whoever has no credentials downloads."""
        metadata = self.logs.get_log_metadata(key)._asdict()
        for name in ("stdout_download_url", "stderr_download_url"):
            if metadata[name]:
                try:
                    with urllib.request.urlopen(metadata[name]) as answer:
                        metadata[name] = text(answer.read())
                except urllib.error.HTTPError as error:
                    metadata[name] = f"status {error.code}"
        return metadata

    def partial(self, key, stdout):
        """What a capture that goes on uploads."""
        directory = self.logs.local_manager._base_dir
        path = os.path.join(directory, *key) + ".out"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(stdout.encode("latin-1"))
        self.logs.on_progress(key)

    def context(self, key):
        with self.logs.capture_logs(key) as context:
            return [context.external_stdout_url, context.external_stderr_url]

    def objects(self):
        """All that is in the bucket, and how it is kept."""
        found = {}
        for page in self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket):
            for item in page.get("Contents", []):
                name = item["Key"]
                got = self.client.get_object(Bucket=self.bucket, Key=name)
                grants = self.client.get_object_acl(Bucket=self.bucket, Key=name)["Grants"]
                tags = self.client.get_object_tagging(Bucket=self.bucket, Key=name)["TagSet"]
                kept = ("ContentType", "CacheControl", "ContentEncoding", "Metadata", "StorageClass", "ServerSideEncryption")
                found[name] = {
                    "bytes": text(got["Body"].read()),
                    "grants": sorted(f"{grant['Grantee'].get('URI')} {grant['Permission']}" for grant in grants),
                    "tags": tags,
                    **{key: got.get(key) for key in kept},
                }
        return found


def certificates(directory):
    """Make an authority, and a certificate of it for this server. Return both files."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    now = datetime.datetime.now(datetime.UTC)

    def certificate(name, key, issuer, issuer_key, extension):
        names = [x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, each)]) for each in (name, issuer)]
        builder = x509.CertificateBuilder().subject_name(names[0]).issuer_name(names[1])
        builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now - datetime.timedelta(days=1))
        builder = builder.not_valid_after(now + datetime.timedelta(days=1))
        return builder.add_extension(extension, critical=True).sign(issuer_key, hashes.SHA256())

    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    is_authority = x509.BasicConstraints(ca=True, path_length=None)
    authority = certificate("authority", authority_key, "authority", authority_key, is_authority)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    own = certificate("server", key, "authority", authority_key, address)
    pem = serialization.Encoding.PEM
    plain = (pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    files = [os.path.join(directory, name) for name in ("authority.pem", "server.pem")]
    for path, content in zip(files, (authority.public_bytes(pem), key.private_bytes(*plain) + own.public_bytes(pem))):
        with open(path, "wb") as file:
            file.write(content)
    return files


def serve(directory):
    import logging

    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    authority, own = certificates(directory)
    answer = {"authority": authority}
    for scheme, files in (("http", None), ("https", (own, own))):
        application = DomainDispatcherApplication(create_backend_app)
        server = make_server("127.0.0.1", 0, application, threaded=True, ssl_context=files)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        answer[scheme] = f"{scheme}://127.0.0.1:{server.server_port}"
    common.emit(answer)
    sys.stdin.read()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", nargs="?")
    parser.add_argument("--serve", action="store_true")
    arguments = parser.parse_args()
    if arguments.serve:
        with tempfile.TemporaryDirectory() as directory:
            serve(directory)
        return
    # Without an address, this would be AWS itself.
    if not arguments.url:
        parser.error("name the address of a server, or --serve")
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            operations = S3Operations(arguments.url, asked["settings"])
            common.emit({"answers": [operations.answer(**operation) for operation in asked["operations"]]})
        except Exception:
            common.emit({"error": traceback.format_exc()})


main()
