"""`bench peer`: another generator's hardware for the same encoder, measured with hwgen's tools.

    environment.py   NNgen's own Python environment
    nngen_design.py  runs in there: Verilog and a test bench of a setting
    simulation.py    makes and simulates NNgen's designs
    synthesis.py     synthesis with a time limit, for both
    command.py       measures both; table.py shows it
"""
