"""Publishing: a store as a static tree for any web server, and small bundles that take a store to the next state.

Above `store`, beside `run`: only the command line imports it. `manifest`, `patch` and `section` are pure; `tree` and
`publish` know the folder, `bundle` the file, `apply` the store. The formats are specified in `docs/publishing.md`.
"""
