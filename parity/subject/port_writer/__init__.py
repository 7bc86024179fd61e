"""Somebody's program as a person would have ported it: `port.py`, a page of plain JAX, written from its graph.

`reading` makes expressions of the graph's ops (`expression`, by the rules of `arithmetic`, `reductions`, `losses`),
`updates` says which optimizer moves the variables, `beside` what else is written. `read` gathers what a port is to
know. `module` puts it all into a file, with the function that `taking` writes; `family` makes a `Program` of it. What
has no rule is refused with its op: then the evaluated graph stays the only port.
"""
