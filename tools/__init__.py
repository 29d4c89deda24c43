"""Development tools of this repository: generated documents, checks, the demo. Not shipped."""
