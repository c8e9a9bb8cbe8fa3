"""Proofs about the components of rtl/: for every input, not for those that were tried.

A component and a checker around it become a netlist (Yosys), the netlist a transition relation in SMT-LIB, and a solver
(Bitwuzla) looks for a run in which an assertion fails. `proofs.PROOFS` is the list, docs/formal.md what it says.
"""
