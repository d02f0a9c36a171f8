"""What the installed Dagster says of the service of code servers: its calls, and the fields of its messages."""

from common import emit
from dagster._grpc.__generated__ import dagster_api_pb2

TYPES = {5: "int32", 8: "bool", 9: "string", 12: "bytes"}


def field(of):
    repeated = of.is_repeated if hasattr(of, "is_repeated") else of.label == of.LABEL_REPEATED
    return [of.number, ("repeated " if repeated else "") + TYPES[of.type]]


def main():
    described = dagster_api_pb2.DESCRIPTOR
    service = described.services_by_name["DagsterApi"]
    emit(
        {
            "calls": {
                call.name: [
                    call.input_type.name,
                    ("stream " if call.server_streaming else "") + call.output_type.name,
                ]
                for call in service.methods
            },
            "messages": {
                name: {of.name: field(of) for of in message.fields}
                for name, message in described.message_types_by_name.items()
            },
        }
    )


main()
