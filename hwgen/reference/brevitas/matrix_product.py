"""Complex matrices: Brevitas has none; torch's complex product in float64, rounded by a Brevitas quantiser."""

from __future__ import annotations

import numpy as np
import torch

from hwgen.errors import HwgenError
from hwgen.ir.edge import SYMBOL, SYMBOL_EXPONENT
from hwgen.ir.nodes import MatrixProduct
from hwgen.ir.nodes.matrix_product import COEFFICIENT_FRACTION
from hwgen.numerics.complex import conjugated
from hwgen.numerics.integer import IntArray
from hwgen.reference.brevitas.node import golden_node
from hwgen.reference.brevitas.tensors import quantiser
from hwgen.train.quantisers import plain


@golden_node.register
def _(node: MatrixProduct, *inputs: IntArray, coefficients: IntArray | None = None) -> IntArray:
    (symbols,) = inputs
    shape = (node.tables, node.rows, node.columns, 2)
    if coefficients is None or coefficients.shape != shape:
        got = None if coefficients is None else coefficients.shape
        raise HwgenError(f"{node.name}: coefficients", f"integers of shape {shape}", str(got))
    groups = symbols.reshape(-1, node.columns, 2)
    groups = np.where(np.array(node.conjugate)[:, None], conjugated(groups), groups)
    x = torch.view_as_complex(torch.from_numpy(groups.astype(np.float64)))
    matrices = torch.view_as_complex(torch.from_numpy(np.ascontiguousarray(coefficients).astype(np.float64)))
    turns = torch.arange(len(x)) % node.tables
    # Parts of 16 bits: products and the sum of eight of them are far below 2**53.
    product = (matrices[turns] @ x[:, :, None])[..., 0]
    scaled = torch.view_as_real(product) * 2.0 ** (SYMBOL_EXPONENT - COEFFICIENT_FRACTION)
    with torch.no_grad():
        rounded = plain(quantiser(SYMBOL, SYMBOL_EXPONENT)(scaled)) * 2.0**-SYMBOL_EXPONENT
    return rounded.numpy().astype(np.int64).reshape(1, -1, 2)
