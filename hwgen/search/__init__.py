"""A search for what a board does best: surviving channels and bits of every layer against PSNR and cycles.

Optuna proposes, `trial` trains and sizes, `front` shows what nothing beats, `write` makes a model of any point.
"""
