"""From Specialists to a phone: each becomes a TFLite model that takes the four modules and returns raw logits.

In the order of the flow: `mobile.positions` (real observations), `mobile.export` (Keras to TFLite),
`mobile.pack` (the folder that ships, with its manifest), `mobile.runtime` (what runs on the device), `mobile.verify`
(does it decide the same?), `mobile.benchmark` (how fast, how large?), `mobile.report` (one table of it all).
"""
