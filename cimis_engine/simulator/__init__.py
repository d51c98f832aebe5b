"""A CIMIS web API on loopback: real HTTP(S), invented but physically consistent weather, faults on request.

Everything is deterministic by (seed, station, time); faults by (seed, request, n-th time it is seen). It can also serve
recorded responses from a folder. Imports `model` and `errors` only; run it with `python -m cimis_engine.simulator`.
"""
