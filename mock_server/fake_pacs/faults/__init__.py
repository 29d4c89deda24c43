"""Faults that are asked for: one table by operationId for each tenant, in order, consumed and queryable afterwards.

`effects` says what a fault does, `latency` how long it waits, `fault` what it meets and how often, `table` holds the
faults of all tenants, `applying` does them to one exchange (status, latency) or hands them to the connection (what is
wrong on the wire), `slides` are slides that misbehave without any set-up, `documents` reads the control plane's JSON.
"""
