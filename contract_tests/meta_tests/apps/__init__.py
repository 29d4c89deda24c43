"""Apps that are wrong on purpose: the example app with one thing wrong each."""
