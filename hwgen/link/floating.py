"""The pruned network before its quantisation, over the same channel: what the integers are measured against."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hwgen.channels import Complex, Realisation
from hwgen.fixedpoint import IntArray
from hwgen.ir.graph import COEFFICIENT_FRACTION, Alamouti, SymbolNode
from hwgen.link.chain import Chain, Image

if TYPE_CHECKING:
    from hwgen.train.network import DeepJSCC

PHASE = "finetune"


class FloatLink:
    """Transmitter and receiver in float32: the power normalised image by image, nothing rounded but the pixels.

    Parameters
    ----------
    chain : a trained model's

    Raises
    ------
    HwgenError : its float checkpoint is damaged or of another network
    """

    def __init__(self, chain: Chain) -> None:
        from hwgen.train.phases import trained

        self.chain = chain
        self.network: DeepJSCC = trained(chain.spec, PHASE, chain.spec.folder).eval()

    @staticmethod
    def available(chain: Chain) -> bool:
        """Whether there is a float checkpoint."""
        from hwgen.train.phases import FILES

        return chain.checkpoint is not None and (chain.spec.folder / FILES[PHASE]).is_file()

    def image(self, image: Image, realisation: Realisation) -> Image:
        """What is received of an (H, W, 3) image."""
        import torch

        from hwgen.train.channel import normalise

        chain = self.chain
        with torch.no_grad():
            pixels = torch.from_numpy(image.astype(np.float32) / 256).permute(2, 0, 1)[None]
            latent = normalise(self.network.encode(pixels), chain.spec.channel.power)[0].permute(1, 2, 0)
            values = latent.numpy().astype(np.float64).reshape(-1)
            padded = np.append(values, 0.0) if len(values) % 2 else values
            symbols: Complex = np.asarray(padded[0::2] + 1j * padded[1::2], np.complex128)
            sent = node_in_float(chain.tx.symbol_node, symbols, realisation.tx_coefficients)
            received = realisation.receive(sent)
            found = node_in_float(chain.rx.symbol_node, received, realisation.rx_coefficients)
            parts = np.stack([found.real, found.imag], axis=-1).reshape(-1)[: len(values)].reshape(latent.shape)
            seen = self.network.decode(torch.from_numpy(parts).float().permute(2, 0, 1)[None])
            return (seen[0].permute(1, 2, 0) * 256.0).round().clamp(0, 255).to(torch.uint8).numpy()


def node_in_float(node: SymbolNode | None, symbols: Complex, coefficients: IntArray | None) -> Complex:
    """A precoder, a code or an equaliser with its rounded coefficients, but with symbols that are not rounded."""
    if node is None:
        return symbols
    if isinstance(node, Alamouti):
        first, second = symbols[0::2], symbols[1::2]
        return np.stack([first, second, -second.conj(), first.conj()], axis=1).reshape(-1)
    assert coefficients is not None
    groups = symbols.reshape(-1, node.columns)
    groups = np.where(np.array(node.conjugate), groups.conj(), groups)
    matrices = (coefficients[..., 0] + 1j * coefficients[..., 1]) * 2.0**-COEFFICIENT_FRACTION
    turns = np.arange(len(groups)) % node.tables
    return np.asarray((matrices[turns] @ groups[:, :, None]).reshape(-1))
