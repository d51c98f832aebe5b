"""The dashboard in a browser: a gate before every door, a page, and a dashboard process for each tab."""
