"""`hwgen study`: ways to prune and to quantise on one table, of one parent, with one budget.

grid.py says what is compared, case.py trains and measures one network with all its widths (a job, `python -m
hwgen.study.case`), run.py runs the jobs, table.py and plot.py show what came of them.
"""
