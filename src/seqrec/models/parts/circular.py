"""Circular convolution and correlation over the positions of a row, as products of matrices.

A filter in the frequency domain is a circular convolution in the time domain. For the few dozen
positions of a history a product with the circulant matrix of its kernel takes less time than a
Fourier transform, a product of spectra and a transform back; a part of the positions costs a part
of the product; and a compiler takes a product whole, which it does not with a transform.

Shapes: L positions of the circle, W of them in use (the last ones; the others are 0),
M = L // 2 + 1 frequencies.
"""

import torch
from torch import Tensor

HOST = torch.device("cpu")
"""Where constants are made, whatever the default: a model goes to its device as a whole."""


def circulant(kernel: Tensor, width: int) -> Tensor:
    """Return the matrix of the circular convolution with (…, L), for W positions: (…, W, W).

    Its element (t, s) is ``kernel[(t - s) mod L]``.
    """
    length = kernel.shape[-1]
    position = torch.arange(width, device=kernel.device)
    distance = (position[:, None] - position).remainder(length)
    return kernel.index_select(-1, distance.flatten()).view(*kernel.shape[:-1], width, width)


def circular_sums(products: Tensor, length: int) -> Tensor:
    """Return the sums of (B, W, W) over the diagonals of a circle of L positions: (B, L).

    Sum τ has the elements (i, j) with i - j = τ mod L. Of products of queries i and keys j it is
    their circular correlation.
    """
    width = products.shape[-1]
    if width < length:
        products = torch.nn.functional.pad(products, (0, 0, 0, length - width))
    delay = torch.arange(length, device=products.device)
    column = delay[:width]
    places = (column + delay[:, None]).remainder(length) * width + column  # (L, W)
    picked = products.flatten(1).index_select(1, places.flatten())
    return picked.view(-1, length, width).sum(dim=2)


def spectrum_map(length: int) -> Tensor:
    """Return (2, M, L): real and imaginary parts of the orthonormal real FFT, as a linear map."""
    unit = torch.eye(length, dtype=torch.float64, device=HOST)
    spectrum = torch.fft.rfft(unit, dim=0, norm="ortho")
    return torch.stack([spectrum.real, spectrum.imag]).float()


def response_map(length: int) -> Tensor:
    """Return (L, M, 2): the linear map from a filter's complex weights, as pairs, to its kernel.

    The imaginary parts at the constant and, for an even L, at the last frequency do nothing.
    """
    real = torch.eye(length // 2 + 1, dtype=torch.complex128, device=HOST)
    kernels = [torch.fft.irfft(part, n=length, dim=0) for part in (real, 1j * real)]
    return torch.stack(kernels, dim=-1).float()


def band_pass_map(length: int, band: range) -> Tensor:
    """Return (L, L): the linear map that keeps these bins of a real FFT; it is symmetric."""
    spectrum = torch.fft.rfft(torch.eye(length, dtype=torch.float64, device=HOST), dim=0)
    kept = torch.zeros(len(spectrum), 1, dtype=torch.float64, device=HOST)
    kept[band.start : band.stop] = 1
    filtered: Tensor = torch.fft.irfft(spectrum * kept, n=length, dim=0)
    return filtered.float()
