"""From Specialists to a phone: each becomes a TFLite model that takes the four modules and returns raw logits.

In the order of the flow: `mobile.positions` (real observations), `mobile.fold` (constants out of the network),
`mobile.convert` (Keras to TFLite), `mobile.weights` and `mobile.deltas` (many models as one base and differences),
`mobile.contract` (what the manifest says of inputs and outputs), `mobile.exporter`, `mobile.staging` and
`mobile.export` (all of a run), `mobile.pack` with `mobile.files` and `mobile.golden` (the folder that ships, with its
manifest), `mobile.runtime` (what runs on the device), `mobile.verify` with `mobile.paired` (does it decide the same?),
`mobile.benchmark` with `mobile.timing`, `mobile.devices` and `mobile.decisions` (how fast, how large, the same here and
elsewhere?), `mobile.report` with `mobile.results` (one table of it all).
"""
