"""Verify specifications that nobody tuned: `python -m hwgen.sweep --count 20 --seed 1`.

Each case is one side of a model, a small frame and a rate: chosen ones (`directed`), and random ones of every generator
in `command.GENERATORS`. It is emitted with random weights and simulated twice, without and with stalls: every value
must be right, and the unstalled interval and latency must be what the manifest predicted.
"""
