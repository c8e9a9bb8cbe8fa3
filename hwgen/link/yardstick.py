"""The linear code as a curve beside a link's: fitted on training images, measured on the link's own."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from hwgen.errors import HwgenError
from hwgen.limits import shown
from hwgen.linear_code import Components, Image, channels_of, linear_code, power_of, received
from hwgen.metrics.quality import Quality, mean_quality
from hwgen.reference.link import ReferenceLink

BLOCK = 16
"""Width and height in pixels of the blocks whose components are sent."""
OPTION = "--linear-code"


@dataclass(frozen=True, eq=False)
class Yardstick:
    """The linear code of a link's k/n and power.

    Attributes
    ----------
    channels : int
        Real symbols of a block.
    """

    components: Components
    channels: int
    power: float

    @classmethod
    def fitted(cls, data: str, link: ReferenceLink) -> Yardstick:
        """On the training images of `data`, as of `hwgen train --data`.

        Raises
        ------
        HwgenError
            No such images, images smaller than a block, another channel than AWGN, or a k/n that no block has.
        """
        from hwgen.train import data as image_data  # needs torch
        from hwgen.train.imageset import check_sizes

        if link.channel.kind != "awgn":
            raise HwgenError(OPTION, "channel awgn", link.channel.kind)
        width, height = link.size
        share = Fraction(link.latent_symbols, 3 * width * height)
        channels = channels_of(share, 3 * BLOCK**2, OPTION)
        images = image_data.load(data, "train")
        check_sizes(images, BLOCK, "the linear code's block")
        return cls(Components.of(images, BLOCK, f"{OPTION} {shown(data)}"), channels, link.channel.power)

    def at(self, images: list[Image], snr_db: float, seed: int) -> Quality:
        """Means over the images, with the gain that gives them the power on average."""
        code = linear_code(self.components, self.channels, snr_db, self.power, "optimal")
        scale = power_of(code, images) / self.power
        pairs = received(code, images, snr_db, self.power, (scale,), seed)
        return mean_quality([Quality.of(original, seen) for original, (seen,) in pairs])
