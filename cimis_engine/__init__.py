"""Headless engine: stations and years in, verified chunks on disk out, typed events on the way.

Importing this package loads no dashboard code; the rooms are imported by name (`cimis_engine.model`,
`cimis_engine.fetch`, `cimis_engine.store`, `cimis_engine.run`).
"""

__version__ = "0.1.0"
