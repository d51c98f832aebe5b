"""The nouns of the domain: data items, QC flags, stations, spans of time, record batches and the plan.

Pure: nothing here reads a clock, a file or a socket.
"""
