"""`make bench`: this project, its peers and the limits, measured in one run on the same work.

`measuring` repeats and takes medians, `figures` says what a figure is and judges it, `pages` makes tables of them;
`servers` and `roles` start what is measured; `downloads`, `serving`, `calls`, `tiles`, `starts` and `many` measure.
"""
