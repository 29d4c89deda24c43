"""Errors, under the import path of the client reference."""
