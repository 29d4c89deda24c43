"""Named incidents: something goes wrong in the middle of an app's work, and a verdict says how the app took it.

`values` is what goes in and out, `incident` what all have in common, `begun` the ones under way, `catalogue` names all.
"""
