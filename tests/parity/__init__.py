"""The same random PromQL to Neocortex and to a real Prometheus that hold the same samples.

* `dataset`: the series, made from nothing but numbers in the code; counters with resets, gaps, markers, histograms.
* `generate`: random queries over them, mostly valid, from a seed, of the words of `vocabulary` and with `mistakes`.
* `servers`: the two servers with the data set pushed to both.
* `compare`: two answers, value by value, and errors by their class.
* `known`: what a Prometheus of another version answers otherwise, each with its reason.

`test_parity` runs some hundred queries; NEOCORTEX_PARITY_COUNT and _SEED make it longer, NEOCORTEX_PARITY_PROMETHEUS
names another Prometheus than the installed one.
"""
