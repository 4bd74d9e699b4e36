"""What schemathesis can't know by the OpenAPI document alone.

BITVAULT_FUZZ_IDS is JSON: path template -> ids that exist, and "file", the id of a file. Every other id is kept as it was
made up.
"""

import json
import os

import schemathesis
from hypothesis import strategies as st

IDS = json.loads(os.environ.get("BITVAULT_FUZZ_IDS", "{}"))

# An OTLP export is protobuf: a list of resource_spans (field 1), here empty ones, is the smallest proper export.
schemathesis.openapi.media_type(
    "application/x-protobuf", st.lists(st.just(b"\x0a\x00"), max_size=8).map(b"".join)
)


@schemathesis.serializer("application/x-protobuf")
def protobuf(ctx, value):
    # What is no proper export travels as whatever bytes it was made of, and has to be refused.
    if isinstance(value, bytes):
        return value
    return json.dumps(value, default=str).encode()


@schemathesis.hook
def map_path_parameters(ctx, path_parameters):
    """Every second case meets something that is there, or was until the run removed it."""
    known = IDS.get(ctx.operation.path if ctx.operation else "")
    if known and path_parameters:
        for name, value in path_parameters.items():
            kind = len(str(value))
            if kind % 2:
                path_parameters[name] = known[kind // 2 % len(known)]
    return path_parameters


@schemathesis.hook
def map_body(ctx, body):
    """Every second new file or folder has a place to go, every second new version a file."""
    if isinstance(body, dict):
        for name, known in (("parent_id", "root"), ("node_id", IDS.get("file"))):
            value = body.get(name)
            if known and isinstance(value, str) and len(value) % 2:
                body[name] = known
    return body
