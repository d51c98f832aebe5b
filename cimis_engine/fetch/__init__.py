"""From the agency's web API to record batches: transport, inflating, decoding, verdicts, retry and pace.

Knows nothing of disks or runs. What leaves this room is a `RecordBatch`, a `Verdict` or a typed error.
"""
