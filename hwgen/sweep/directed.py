"""Cases that were chosen, not drawn."""

from __future__ import annotations

from hwgen.sweep.case import Case, Layer

FIRST = Case(
    1, "tx", (36, 20),
    (Layer(5, 2, 3, "prelu"), Layer(3, 1, 7, "relu", 4), Layer(1, 1, 13, "prelu", 2, 6), Layer(3, 2, 29, "relu", 6),
     Layer(7, 1, 31, "prelu", 8, 4), Layer(3, 1, 5, "none", 6)),
    (), "kind: awgn", "static", "pynq_z2", None,
)  # fmt: skip
SECOND = Case(
    2, "tx", (68, 44),
    (Layer(7, 2, 3, "relu", 6, 7), Layer(1, 1, 7, "none"), Layer(5, 2, 13, "prelu", 4), Layer(3, 1, 29, "prelu", 2),
     Layer(1, 1, 31, "relu"), Layer(5, 1, 5, "none")),
    (), "kind: awgn", "static", "pynq_z2", 400.0,
)  # fmt: skip
SHORT = (Layer(3, 2, 8, "relu"), Layer(5, 2, 5, "none"))
"""An encoder for those that receive."""
DIRECTED = (
    FIRST,
    SECOND,
    Case(
        3, "rx", (36, 20), SHORT,
        (Layer(5, 2, 3, "prelu"), Layer(3, 1, 7, "relu", 4), Layer(1, 1, 13, "prelu", 2, 6),
         Layer(4, 2, 29, "relu", 6), Layer(3, 1, 31, "prelu", 8, 4), Layer(3, 1, 5, "none", 6),
         Layer(3, 1, 3, "clamp")),
        "kind: rayleigh", "static", "pynq_z2", None,
    ),
    Case(
        4, "rx", (68, 44), SHORT,
        (Layer(3, 1, 3, "relu", 6, 7), Layer(1, 1, 7, "none"), Layer(6, 2, 13, "prelu", 4), Layer(3, 1, 29, "prelu", 2),
         Layer(2, 2, 31, "relu"), Layer(5, 1, 5, "none"), Layer(1, 1, 3, "sigmoid")),
        "kind: awgn", "static", "pynq_z2", 200.0,
    ),
    Case(
        5, "tx", (36, 20),
        (Layer(5, 2, 6, "prelu"), Layer(3, 1, 7, "prelu", 8, 8, (6, 6)), Layer(3, 2, 13, "prelu", 8, 8, (6, 6)),
         Layer(1, 1, 5, "none", 8, 8, (6, 6))),
        (), "kind: awgn", "per_image", "pynq_z2", None,
    ),
    Case(
        6, "rx", (36, 20), (Layer(3, 2, 8, "relu"), Layer(1, 2, 5, "none", 8, 8, (6, 6))),
        (Layer(3, 1, 13, "prelu", 8, 8, (6, 6)), Layer(1, 1, 7, "none", 8, 8, (6, 6)), Layer(5, 2, 29, "prelu"),
         Layer(7, 2, 3, "clamp")),
        "kind: rayleigh, equaliser: zf", "static", "pynq_z2", None,
    ),
    Case(
        7, "tx", (64, 32), (Layer(3, 2, 5, "relu"), Layer(3, 2, 4, "none")),
        (), "kind: mimo2x2", "per_image", "pynq_z2", None,
    ),
    Case(
        8, "rx", (64, 32), (Layer(3, 2, 5, "relu"), Layer(3, 2, 4, "none")),
        (Layer(4, 2, 7, "prelu"), Layer(3, 2, 3, "sigmoid")),
        "kind: mimo2x2, scheme: alamouti", "static", "pynq_z2", None,
    ),
    Case(
        9, "rx", (64, 32), (Layer(3, 2, 5, "relu"), Layer(3, 2, 4, "none")),
        (Layer(5, 2, 7, "prelu"), Layer(1, 2, 3, "clamp")),
        "kind: ofdm, taps: 3, subcarriers: 32", "static", "pynq_z2", None,
    ),
)  # fmt: skip
"""Cases that were chosen, not drawn: the channel counts 3-7-13-29-31-5 on both sides, complex layers, every channel."""
