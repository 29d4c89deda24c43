"""Emulators broken on purpose, a module for each resource; `meta_tests.catalogue` lists them all."""
