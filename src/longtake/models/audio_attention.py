"""Hierarchical audio attention: speech moves pose, face and lips through three masked cross-attentions of one query.

Per frame: self-attention; then, with h = LayerNorm(x),
    x += sum over regions r of weight_r * zero_conv_r(mask_r * attention_r(h, speech tokens)); then feed-forward.
mask_r is one number per token, so zero_conv_r and the out-projection of attention_r are one matrix, and everything that
does not depend on x is a map of biases: for silent rows (tokens that are exactly zero) that map is all there is.
"""

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from longtake.models.attention import Attention, Heads, KeyValue, attend
from longtake.models.blocks import FeedForward, Pointwise, grid, tokens
from longtake.models.containers import Named
from longtake.models.rows import Rows

REGIONS = ("pose", "face", "lip")


@dataclass(frozen=True)
class RegionMaps:
    """What one audio module needs of the regions: the same for a whole video, or weighted frame by frame for a segment."""

    masks: Float[Tensor, "heard f_or_1 l 3 1"]  # of the rows that hear, region weights included
    out: Float[Tensor, "c c_thrice"]
    bias: Float[Tensor, "b f_or_1 l c"]
    rows: Rows  # those that hear


@dataclass(frozen=True)
class Hearing:
    """What one audio module needs of the speech, made once per segment, and of the regions."""

    speech: KeyValue | None  # of the rows that hear, keys of the three regions side by side: "r t 3c"
    maps: RegionMaps

    def row(self, k: int) -> "Hearing":
        """What one row hears."""
        maps, place = self.maps, self.maps.rows.place(k)
        bias = maps.bias[k : k + 1]
        if place is None or self.speech is None:
            return Hearing(None, replace(maps, masks=maps.masks[:0], bias=bias, rows=Rows((), 1)))
        speech = [x.unflatten(0, (len(maps.rows.having), -1))[place] for x in (self.speech.key, self.speech.value)]
        masks = maps.masks[place : place + 1]
        return Hearing(KeyValue(*speech), replace(maps, masks=masks, bias=bias, rows=Rows((0,), 1)))


class AudioModule(nn.Module):
    def __init__(self, width: int, inner: int, speech: int, heads: Heads, groups: int, ff: int):
        super().__init__()
        self.norm = nn.GroupNorm(groups, width, eps=1e-6)
        self.proj_in = Pointwise(width, inner)
        self.norm1 = nn.LayerNorm(inner)
        self.attention = Attention(inner, heads(inner))
        self.norm2 = nn.LayerNorm(inner)
        self.regions: Named[Attention] = Named({region: Attention(inner, heads(inner), speech) for region in REGIONS})
        self.zero_convs: Named[Pointwise] = Named({region: Pointwise(inner, inner) for region in REGIONS})
        self.norm3 = nn.LayerNorm(inner)
        self.ff = FeedForward(inner, ff)
        self.proj_out = Pointwise(inner, width)

    def _side_by_side(self, part: str) -> Float[Tensor, "c_thrice d"]:
        return torch.cat([getattr(self.regions[region], part).weight for region in REGIONS])

    def maps(
        self, masks: Float[Tensor, "b 3 l"], weights: tuple[float, float, float] | Float[Tensor, "f 3"], rows: Rows
    ) -> RegionMaps:
        """The weighted masks, the joined output matrix and the map of biases; `rows` are those that hear.

        `weights` of pose, face and lip are the same for all frames, or each frame has its own.
        """
        masks = masks.to(self.norm1.weight.dtype)
        if isinstance(weights, Tensor):
            weights = weights.to(masks)
            each, shares = weights[:, None], weights.T[:, :, None, None]  # f 1 3; of a region f 1 1
        else:
            each, shares = masks.new_tensor(weights), weights
        weighted = masks.transpose(1, 2)[:, None] * each  # b f l 3
        out, carried, constant = [], [], 0.0
        for region, share in zip(REGIONS, shares, strict=True):
            zero, project = self.zero_convs[region], self.regions[region].out
            out.append(zero.matrix @ project.weight)
            carried.append(zero.matrix @ project.bias)
            constant = constant + share * zero.bias
        bias = weighted @ torch.stack(carried) + constant
        return RegionMaps(rows.take(weighted)[..., None], torch.cat(out, dim=1), bias, rows)

    def hear(self, speech: Float[Tensor, "b f t d"], maps: RegionMaps) -> Hearing:
        """Keys and values of the speech tokens, the three regions' side by side."""
        if maps.rows.none:
            return Hearing(None, maps)
        both = torch.cat([self._side_by_side("key"), self._side_by_side("value")])
        return Hearing(KeyValue(*F.linear(maps.rows.take(speech).flatten(0, 1), both).chunk(2, dim=-1)), maps)

    def forward(self, x: Float[Tensor, "r c h w"], hearing: Hearing) -> Float[Tensor, "r c h w"]:
        hidden = self.proj_in(tokens(self.norm(x)))
        hidden = hidden + self.attention.itself(self.norm1(hidden))
        hidden = self._listen(hidden.unflatten(0, (hearing.maps.rows.batch, -1)), hearing).flatten(0, 1)
        hidden = hidden + self.ff(self.norm3(hidden))
        return x + grid(self.proj_out(hidden), *x.shape[2:])

    def _listen(self, hidden: Float[Tensor, "b f l c"], hearing: Hearing) -> Float[Tensor, "b f l c"]:
        maps = hearing.maps
        quiet = hidden + maps.bias.to(hidden)
        if hearing.speech is None:
            return quiet
        normed = self.norm2(maps.rows.take(hidden))
        query = F.linear(normed, self._side_by_side("query")).flatten(0, 1)
        found = attend(query, hearing.speech.key, hearing.speech.value, 3 * self.attention.heads)
        found = found.view(*normed.shape[:3], 3, -1) * maps.masks.to(found)
        return maps.rows.add(quiet, F.linear(found.flatten(3), maps.out))
