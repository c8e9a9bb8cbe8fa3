"""Complex convolutions on streams whose channels are pairs: 2c is the real part of complex channel c, 2c + 1 the
imaginary one.

    out = w * x + b,  so  out_re = wr * xr - wi * xi + br  and  out_im = wr * xi + wi * xr + bi

with two real kernels wr and wi. As one real convolution it is that with the kernel
W[2o, 2c] = wr, W[2o, 2c + 1] = -wi, W[2o + 1, 2c] = wi, W[2o + 1, 2c + 1] = wr, which is how it is computed.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


def interleaved(real: Tensor, imag: Tensor) -> Tensor:
    """Kernels (O, I, K, K) of both parts -> the real convolution's (2 O, 2 I, K, K)."""
    rows = torch.stack(
        [torch.stack([real, -imag], dim=2), torch.stack([imag, real], dim=2)], dim=1
    )  # (O, part out, I, part in, K, K)
    return rows.reshape(2 * real.shape[0], 2 * real.shape[1], *real.shape[2:])


def parts(kernel: Tensor) -> tuple[Tensor, Tensor]:
    """The inverse of `interleaved`."""
    return kernel[0::2, 0::2], kernel[1::2, 0::2]


class Kernel(nn.Module):
    """One part of a complex kernel, a module of its own so that it can have a quantiser of its own."""

    def __init__(self, out_channels: int, in_channels: int, size: tuple[int, int]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(out_channels, in_channels, *size))


class ComplexConv2d(nn.Module):
    """Complex convolution with bias, (N, 2 I, H, W) -> (N, 2 O, H', W'), with sizes as torch's convolution has them.

    Parameters
    ----------
    in_channels, out_channels
        Complex ones, I and O. The bias (2 O,) is of the stream.
    kernel, padding
        (rows, columns); padding is by default kernel // 2.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: tuple[int, int],
        stride: int = 1,
        padding: tuple[int, int] | None = None,
        dilation: int = 1,
    ) -> None:
        super().__init__()
        self.complex_in, self.complex_out = in_channels, out_channels
        self.in_channels, self.out_channels = 2 * in_channels, 2 * out_channels
        self.kernel_size, self.stride, self.dilation = kernel, (stride, stride), (dilation, dilation)
        self.padding = (kernel[0] // 2, kernel[1] // 2) if padding is None else padding
        self.real = Kernel(out_channels, in_channels, kernel)
        self.imag = Kernel(out_channels, in_channels, kernel)
        self.bias = nn.Parameter(torch.zeros(2 * out_channels))

    @property
    def kernels(self) -> list[nn.Parameter]:
        return [self.real.weight, self.imag.weight]

    def forward(self, x: Tensor) -> Tensor:
        kernel = interleaved(self.real.weight, self.imag.weight)
        return nn.functional.conv2d(x, kernel, self.bias, self.stride, self.padding, self.dilation)
