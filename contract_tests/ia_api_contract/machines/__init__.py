"""State machines: random walks of several callers against an oracle of plain dictionaries, which must agree.

A walk is a list of steps that mean something in any state, so that it can be shortened by leaving steps out.
`walking` makes, takes and shortens walks; each other module is one machine.
"""
