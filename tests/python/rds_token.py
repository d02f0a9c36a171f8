"""Prints the token that boto3 signs for a login to a database of RDS at a given time."""

import json
import sys
from datetime import datetime

import boto3
import botocore.auth

question = json.load(sys.stdin)
at = datetime.strptime(question["at"], "%Y%m%dT%H%M%SZ")
botocore.auth.get_current_datetime = lambda *_, **__: at
names = ["aws_access_key_id", "aws_secret_access_key", "aws_session_token"]
client = boto3.client("rds", region_name=question["region"], **dict(zip(names, question["keys"])))
token = client.generate_db_auth_token(
    DBHostname=question["host"], Port=question["port"], DBUsername=question["user"]
)
print(json.dumps(token))
