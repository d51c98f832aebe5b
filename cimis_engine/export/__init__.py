"""Stored records in the files that other tools read: Parquet, and CSV in the agency's own columns.

Built on `store`, which knows nothing of it. Everything is written aside and renamed, a chunk at a time.
"""
