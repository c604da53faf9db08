"""The same random PromQL to Neocortex and to a real Prometheus that hold the same samples.

* `dataset`: the series, made from nothing but numbers in the code; counters with resets, gaps, markers, histograms.
* `native`: native histograms among them, for a current Prometheus.
* `generate`: random queries over them, mostly valid, from a seed, of the words of `vocabulary` and with `mistakes`;
  `newer` adds what a current Prometheus knows, `queries` chooses.
* `servers`: the two servers with the data set pushed to both.
* `compare`: two answers, value by value, errors by their class; notes, formatted texts and syntax trees, too, where the
  Prometheus has them.
* `known`: what a Prometheus of another version answers otherwise, each with its reason.

`test_parity` runs some hundred queries; NEOCORTEX_PARITY_COUNT and _SEED make it longer, NEOCORTEX_PARITY_PROMETHEUS
names another Prometheus than the installed one.
"""
