"""A person against a policy, in a browser, in real time: ``python -m camtf.play --run_dir=runs/x`` (docs/play.md).

In the order in which data flow: ``page/`` (what the browser runs), `server` (the web server), `messages` (what a page
may say), `session` (one page, its clock and its matches), `arena` (what can be played), `match` (one recorded match),
`person` (keys into an action), `opponents` (who plays the other side).

Where policies come from is not known here: `opponents.Models` is what they are asked by, and what ``--models`` names
gives it. `mobile.play` is one, for the models of a pack.
"""
