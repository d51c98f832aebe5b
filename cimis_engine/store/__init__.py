"""The store: verified chunks on disk, one station, interval and year a file, and the catalog that indexes them.

`store` is the door; `chunk` and the codecs are pure (`codec_v2` has rooms of its own: `predict`, `tables`, `symbols`,
`marks`, `gamma`); `atomic` alone writes chunk files; `database` and `catalog` keep SQLite; `query` reads, over `blocks`
(ranges of files) and `records` (columns, pure). The format is specified in
`docs/format.md`.
"""
