"""Prometheus's remote protocols as protobuf messages, from descriptors made here.

The `protobuf` package encodes independently of the core's hand-written decoder, which is what makes it a check.
Sources: prompb/types.proto, prompb/remote.proto and prompb/io/prometheus/write/v2/types.proto of Prometheus.
"""

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_F = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    "double": _F.TYPE_DOUBLE,
    "int64": _F.TYPE_INT64,
    "uint64": _F.TYPE_UINT64,
    "uint32": _F.TYPE_UINT32,
    "int32": _F.TYPE_INT32,
    "sint32": _F.TYPE_SINT32,
    "sint64": _F.TYPE_SINT64,
    "string": _F.TYPE_STRING,
    "bytes": _F.TYPE_BYTES,
    "bool": _F.TYPE_BOOL,
}

# message -> "name type number [repeated] [oneof=group]"; enums travel as int32, which has the same encoding.
_V1 = {
    "Label": ["name string 1", "value string 2"],
    "Sample": ["value double 1", "timestamp int64 2"],
    "Exemplar": ["labels Label 1 repeated", "value double 2", "timestamp int64 3"],
    "BucketSpan": ["offset sint32 1", "length uint32 2"],
    "Histogram": [
        "count_int uint64 1 oneof=count",
        "count_float double 2 oneof=count",
        "sum double 3",
        "schema sint32 4",
        "zero_threshold double 5",
        "zero_count_int uint64 6 oneof=zero_count",
        "zero_count_float double 7 oneof=zero_count",
        "negative_spans BucketSpan 8 repeated",
        "negative_deltas sint64 9 repeated",
        "negative_counts double 10 repeated",
        "positive_spans BucketSpan 11 repeated",
        "positive_deltas sint64 12 repeated",
        "positive_counts double 13 repeated",
        "reset_hint int32 14",
        "timestamp int64 15",
        "custom_values double 16 repeated",
    ],
    "TimeSeries": [
        "labels Label 1 repeated",
        "samples Sample 2 repeated",
        "exemplars Exemplar 3 repeated",
        "histograms Histogram 4 repeated",
    ],
    "MetricMetadata": ["type int32 1", "metric_family_name string 2", "help string 4", "unit string 5"],
    "WriteRequest": ["timeseries TimeSeries 1 repeated", "metadata MetricMetadata 3 repeated"],
    "LabelMatcher": ["type int32 1", "name string 2", "value string 3"],
    "Query": ["start_timestamp_ms int64 1", "end_timestamp_ms int64 2", "matchers LabelMatcher 3 repeated"],
    "ReadRequest": ["queries Query 1 repeated", "accepted_response_types int32 2 repeated"],
    "QueryResult": ["timeseries TimeSeries 1 repeated"],
    "ReadResponse": ["results QueryResult 1 repeated"],
}

_V2 = {
    "Sample": ["value double 1", "timestamp int64 2"],
    "Exemplar": ["labels_refs uint32 1 repeated", "value double 2", "timestamp int64 3"],
    "BucketSpan": _V1["BucketSpan"],
    "Histogram": _V1["Histogram"],
    "Metadata": ["type int32 1", "help_ref uint32 3", "unit_ref uint32 4"],
    "TimeSeries": [
        "labels_refs uint32 1 repeated",
        "samples Sample 2 repeated",
        "histograms Histogram 3 repeated",
        "exemplars Exemplar 4 repeated",
        "metadata Metadata 5",
        "created_timestamp int64 6",
    ],
    "Request": ["symbols string 4 repeated", "timeseries TimeSeries 5 repeated"],
}


def _messages(package: str, table: dict[str, list[str]]) -> Any:
    file = descriptor_pb2.FileDescriptorProto(name=f"{package}.proto", package=package, syntax="proto3")
    for message_name, fields in table.items():
        message = file.message_type.add(name=message_name)
        oneofs: dict[str, int] = {}
        for field in fields:
            name, kind, number, *rest = field.split()
            entry = message.field.add(name=name, number=int(number))
            entry.label = _F.LABEL_REPEATED if "repeated" in rest else _F.LABEL_OPTIONAL
            if kind in _SCALARS:
                entry.type = _SCALARS[kind]
            else:
                entry.type = _F.TYPE_MESSAGE
                entry.type_name = f".{package}.{kind}"
            for word in rest:
                if word.startswith("oneof="):
                    group = word.removeprefix("oneof=")
                    if group not in oneofs:
                        oneofs[group] = len(oneofs)
                        message.oneof_decl.add(name=group)
                    entry.oneof_index = oneofs[group]
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return type(
        package,
        (),
        {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{package}.{name}")) for name in table},
    )


v1: Any = _messages("prometheus", _V1)
v2: Any = _messages("io_prometheus_write_v2", _V2)
