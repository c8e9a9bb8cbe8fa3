"""A demonstration: transmitter and receiver, each an IP in its own simulation with its driver, and a channel between.

    camera -> socket -> transmitter process: driver, IP -> socket -> channel -> socket -> receiver process: driver, IP
           -> socket -> page: source and picture, PSNR, an SNR slider, the profile
"""
