"""Mutation score of the verification: emitted Verilog with one small fault each, and how many of them `verify` finds.

    emit -> Yosys: netlist of operators and registers -> mutants drawn by component -> all of them in one Verilog file,
    selected at run time -> one simulator -> `verify`'s checks of each -> killed, equivalent or survived
"""
