"""The product's numerics in PyTorch: 4-bit power-of-two weights with a free row scale, int8 features with a power-of-two scale
per channel. Used in the training loop (straight-through) and by the check.
"""
import torch

MAX_SHIFT = 6      # codes are 0 and +-2^0 .. +-2^6
CANDIDATES = 48    # row scales tried, over one and a half octaves


def nearest_code(x):
    """The nearest code of each value. x: any shape; returns codes as floats: 0 or +-2^k, k = 0..MAX_SHIFT."""
    a = x.abs()
    low = 2.0 ** torch.floor(torch.log2(a.clamp(min=1.0)))
    code = torch.where(a >= 1.5 * low, 2 * low, low).clamp(max=2.0 ** MAX_SHIFT)
    return torch.where(a < 0.5, torch.zeros_like(a), code) * torch.sign(x)


def round_rows(w):
    """Rounds every row to codes times the row scale of least squared error. w: [rows, taps]; returns (codes, scale [rows, 1])."""
    top = w.abs().amax(1, keepdim=True).clamp(min=1e-12)
    best = torch.full_like(top, float("inf"))
    scale = top / 2.0 ** MAX_SHIFT
    for i in range(CANDIDATES):
        r = top / 2.0 ** MAX_SHIFT * 2.0 ** (-0.4 + 1.5 * i / CANDIDATES)
        code = nearest_code(w / r)
        r = (w * code).sum(1, keepdim=True) / (code * code).sum(1, keepdim=True).clamp(min=1e-12)
        error = ((w - r * code) ** 2).sum(1, keepdim=True)
        better = (error < best) & (r > 0)
        best, scale = torch.where(better, error, best), torch.where(better, r, scale)
    return nearest_code(w / scale), scale


def round_weights(w, q_in):
    """4-bit weights of a layer. w: [oc, ic, kh, kw]; q_in: [ic] feature exponents. Returns real weights, same shape."""
    unit = (2.0 ** -q_in).view(1, -1, 1, 1)
    folded = (w * unit).reshape(w.shape[0], -1)
    codes, scale = round_rows(folded)
    return (codes * scale).reshape(w.shape) / unit


def exponents(fmax):
    """Q per channel from the largest magnitude seen: floor(log2(127.5 / fmax)); a silent channel takes the largest Q."""
    q = torch.floor(torch.log2(127.5 / fmax.clamp(min=1e-9))).clamp(-16, 24)
    alive = fmax > 1e-6
    return torch.where(alive, q, q[alive].max() if alive.any() else torch.zeros(()))


def round_features(x, q):
    """int8 features. x: [n, c, h, w]; q: [c]. Rounds half up and saturates; gradient passes straight where not saturated."""
    s = (2.0 ** q).view(1, -1, 1, 1)
    y = torch.floor(x * s + 0.5).clamp(-128, 127) / s
    return x.clamp(min=-128 / s, max=127 / s) + (y - x.clamp(min=-128 / s, max=127 / s)).detach()


def straight_through(w, rounded):
    """The rounded value forwards, the gradient of w backwards."""
    return w + (rounded - w).detach()
