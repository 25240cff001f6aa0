"""Attention, and the spatial transformer that reads the portrait's features beside its own tokens."""

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from longtake.models.blocks import FeedForward, Pointwise, grid, tokens
from longtake.models.rows import Rows


@dataclass(frozen=True)
class Heads:
    """How a width is cut into heads: a fixed number of heads (published) or a fixed width of each."""

    count: int | None = None
    width: int | None = None

    def __call__(self, width: int) -> int:
        """The number of heads for features of this width."""
        return self.count if self.count is not None else width // (self.width or width)


@dataclass(frozen=True)
class KeyValue:
    """Keys and values made once and read at every step."""

    key: Float[Tensor, "r t c"]
    value: Float[Tensor, "r t c"]


@dataclass(frozen=True)
class Folded:
    """An attention to a few tokens as two matrices, so that no query of the full width is ever made.

    score = x query^T key and answer = share value out^T: with t tokens and h heads, query^T key is one matrix of h·t columns
    (32 for the identity tokens, where the query has 320 to 1280), and so is value out^T.
    """

    key: Float[Tensor, "b c ht"]
    value: Float[Tensor, "b ht c"]
    bias: Float[Tensor, " c"]
    heads: int

    def __call__(self, x: Float[Tensor, "r l c"]) -> Float[Tensor, "r l c"]:
        """What the tokens answer; each of the b rows of tokens serves the next r/b rows of x."""
        scores = x.reshape(self.key.shape[0], -1, x.shape[2]) @ self.key
        share = scores.unflatten(2, (self.heads, -1)).softmax(-1).flatten(2)
        return (share.to(x.dtype) @ self.value + self.bias.to(x.dtype)).view(x.shape)

    def row(self, k: int) -> "Folded":
        """The tokens of one row alone."""
        return replace(self, key=self.key[k : k + 1], value=self.value[k : k + 1])


@dataclass(frozen=True)
class Reading:
    """The reference rows of one block as keys and values, and which of them each frame reads."""

    reference: KeyValue
    reads: Int[Tensor, " b"] | Int[Tensor, "b f"]
    rows: Rows

    def beside(self, own: Float[Tensor, "r l c"], reference: Float[Tensor, "s m c"]) -> Float[Tensor, "r l+m c"]:
        """Each row's own tokens followed by the reference tokens that it reads."""
        b = self.reads.shape[0]
        read = reference[self.reads]
        own = own.unflatten(0, (b, -1))
        if self.reads.ndim == 1:
            read = read[:, None].expand(-1, own.shape[1], -1, -1)
        return torch.cat([own, read], dim=2).flatten(0, 1)

    def row(self, k: int) -> "Reading | None":
        """What one row reads, if it does."""
        place = self.rows.place(k)
        return None if place is None else replace(self, reads=self.reads[place : place + 1], rows=Rows((0,), 1))


def attend(
    query: Float[Tensor, "r l c"], key: Float[Tensor, "r t c"], value: Float[Tensor, "r t c"], heads: int
) -> Float[Tensor, "r l c"]:
    """Plain softmax attention with `heads` heads."""
    q, k, v = (x.unflatten(2, (heads, -1)).transpose(1, 2) for x in (query, key, value))
    if q.device.type == "cpu" and torch.is_grad_enabled():  # the fused kernel's backward is 2-10 times slower there
        return SoftmaxAttention.apply(q, k, v).transpose(1, 2).flatten(2)
    return F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)


class SoftmaxAttention(torch.autograd.Function):
    """softmax(q k / sqrt(d)) v, written out, for training on a CPU: a few rows at a time, so that scores stay in its cache.

    The probabilities are kept in the input's dtype; softmax itself adds up in float32.
    """

    CACHE = 2**20  # scores worked on at once

    @staticmethod
    def forward(ctx, query, key, value):
        (r, h, own, d), t = query.shape, key.shape[2]
        q, k, v = (x.reshape(r * h, -1, d) for x in (query * d**-0.5, key, value))
        out, share = torch.empty_like(q), q.new_empty(r * h, own, t)
        for part in _parts(r * h, SoftmaxAttention.CACHE // (own * t)):
            torch._softmax(torch.bmm(q[part], k[part].transpose(1, 2)), -1, False, out=share[part])
            torch.bmm(share[part], v[part], out=out[part])
        ctx.save_for_backward(q, k, v, share)
        return out.view(r, h, own, d)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, grad):
        q, k, v, share = ctx.saved_tensors
        (r, h), d = grad.shape[:2], grad.shape[3]
        grad = grad.reshape(r * h, -1, d)
        to_q, to_k, to_v = torch.empty_like(q), torch.empty_like(k), torch.empty_like(v)
        for part in _parts(r * h, SoftmaxAttention.CACHE // (q.shape[1] * k.shape[1])):
            torch.bmm(share[part].transpose(1, 2), grad[part], out=to_v[part])
            to_share = torch.bmm(grad[part], v[part].transpose(1, 2))
            to_scores = torch._softmax_backward_data(to_share, share[part], -1, share.dtype)
            torch.bmm(to_scores, k[part], out=to_q[part])
            torch.bmm(to_scores.transpose(1, 2), q[part], out=to_k[part])
        return tuple(x.view(r, h, -1, d) for x in (to_q * d**-0.5, to_k, to_v))


def _parts(count: int, size: int) -> list[slice]:
    size = max(size, 1)
    return [slice(start, start + size) for start in range(0, count, size)]


class Attention(nn.Module):
    """The four matrices of an attention; who reads whom is the caller's business."""

    def __init__(self, width: int, heads: int, width_in: int | None = None):
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width, bias=False)
        self.key = nn.Linear(width_in or width, width, bias=False)
        self.value = nn.Linear(width_in or width, width, bias=False)
        self.out = nn.Linear(width, width)

    def qkv(self, x: Float[Tensor, "r l c"]) -> tuple[Float[Tensor, "r l c"], ...]:
        """Query, key and value of the same tokens, by one multiplication."""
        return F.linear(x, torch.cat([self.query.weight, self.key.weight, self.value.weight])).chunk(3, dim=-1)

    def keys(self, x: Float[Tensor, "r t c"]) -> KeyValue:
        """Keys and values of other tokens."""
        return KeyValue(*F.linear(x, torch.cat([self.key.weight, self.value.weight])).chunk(2, dim=-1))

    def itself(self, x: Float[Tensor, "r l c"]) -> Float[Tensor, "r l c"]:
        """Self-attention."""
        return self.out(attend(*self.qkv(x), heads=self.heads))

    def reading(self, x: Float[Tensor, "r l c"], reading: Reading) -> Float[Tensor, "r l c"]:
        """Self-attention whose keys go on with the reference tokens, for the rows that have a reference."""
        rows, b = reading.rows, reading.rows.batch
        q, k, v = (y.unflatten(0, (b, -1)) for y in self.qkv(x))
        taken = [rows.take(y).flatten(0, 1) for y in (q, k, v)]
        key = reading.beside(taken[1], reading.reference.key)
        value = reading.beside(taken[2], reading.reference.value)
        found = attend(taken[0], key, value, self.heads)
        if not rows.all:
            alone = attend(*(rows.leave(y).flatten(0, 1) for y in (q, k, v)), heads=self.heads)
            parts = [y.unflatten(0, (-1, q.shape[1])) for y in (found, alone)]
            found = rows.join(*parts).flatten(0, 1)
        return self.out(found)

    def fold(self, other: Float[Tensor, "b t d"]) -> Folded:
        """Cross-attention to these few tokens, query and out-projection folded in."""
        told = self.keys(other)
        key, value = (x.unflatten(2, (self.heads, -1)) for x in (told.key, told.value))  # b t h d
        query, out = self.query.weight.unflatten(0, (self.heads, -1)), self.out.weight.unflatten(1, (self.heads, -1))
        key = torch.einsum("b t h d, h d c -> b c h t", key * key.shape[3] ** -0.5, query)
        value = torch.einsum("b t h d, c h d -> b h t c", value, out)
        return Folded(key.flatten(2), value.flatten(1, 2), self.out.bias, self.heads)


class SpatialTransformer(nn.Module):
    """Self-attention with the portrait beside it, attention to the identity tokens, feed-forward; per frame.

    `head_only` stops where the features for the denoiser are taken, for the place in the reference net after which
    nothing can influence anything.
    """

    def __init__(self, width: int, context: int, heads: Heads, groups: int, ff: int, head_only: bool = False):
        super().__init__()
        self.norm = nn.GroupNorm(groups, width, eps=1e-6)
        self.proj_in = Pointwise(width, width)
        self.norm1 = nn.LayerNorm(width)
        if head_only:
            return
        self.attention = Attention(width, heads(width))
        self.norm2 = nn.LayerNorm(width)
        self.identity = Attention(width, heads(width), context)
        self.norm3 = nn.LayerNorm(width)
        self.ff = FeedForward(width, ff)
        self.proj_out = Pointwise(width, width)

    def features(self, x: Float[Tensor, "r c h w"]) -> tuple[Float[Tensor, "r l c"], Float[Tensor, "r l c"]]:
        """The tokens, and their normalised form: what self-attention reads, and what the reference net hands over."""
        hidden = self.proj_in(tokens(self.norm(x)))
        return hidden, self.norm1(hidden)

    def forward(
        self, x: Float[Tensor, "r c h w"], identity: Folded, reading: Reading | None = None
    ) -> tuple[Float[Tensor, "r c h w"], Float[Tensor, "r l c"]]:
        """The grid after the block, and the features of `features`."""
        hidden, features = self.features(x)
        hidden = hidden + (
            self.attention.itself(features) if reading is None else self.attention.reading(features, reading)
        )
        hidden = hidden + identity(self.norm2(hidden))
        hidden = hidden + self.ff(self.norm3(hidden))
        return x + grid(self.proj_out(hidden), *x.shape[2:]), features
