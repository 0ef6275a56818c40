"""The starter model in torch: Llama's architecture, so that a GGUF file of it needs no code of its own."""

import dataclasses
import math

import torch
from torch import nn
from torch.nn import functional


@dataclasses.dataclass
class Shape:
    vocabulary: int = 2048
    width: int = 256
    layers: int = 5
    heads: int = 4
    kv_heads: int = 2
    hidden: int = 768
    context: int = 1024
    rope_base: float = 10000.0
    epsilon: float = 1e-5

    @property
    def head(self):
        return self.width // self.heads


class Norm(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(shape.width))
        self.epsilon = shape.epsilon

    def forward(self, x):
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.epsilon) * self.weight


def rotate(x, cosine, sine):
    """Neighbouring values are a pair, as in Llama's GGUF files."""
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack((even * cosine - odd * sine, even * sine + odd * cosine), -1).flatten(-2)


class Layer(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.shape = shape
        kv = shape.kv_heads * shape.head
        self.attn_norm = Norm(shape)
        self.attn_q = nn.Linear(shape.width, shape.width, bias=False)
        self.attn_k = nn.Linear(shape.width, kv, bias=False)
        self.attn_v = nn.Linear(shape.width, kv, bias=False)
        self.attn_output = nn.Linear(shape.width, shape.width, bias=False)
        self.ffn_norm = Norm(shape)
        self.ffn_gate = nn.Linear(shape.width, shape.hidden, bias=False)
        self.ffn_up = nn.Linear(shape.width, shape.hidden, bias=False)
        self.ffn_down = nn.Linear(shape.hidden, shape.width, bias=False)

    def attend(self, x, cosine, sine, mask):
        s, (batch, length, _) = self.shape, x.shape
        y = self.attn_norm(x)
        q = rotate(self.attn_q(y).view(batch, length, s.heads, s.head).transpose(1, 2), cosine, sine)
        k = rotate(self.attn_k(y).view(batch, length, s.kv_heads, s.head).transpose(1, 2), cosine, sine)
        v = self.attn_v(y).view(batch, length, s.kv_heads, s.head).transpose(1, 2)
        group = s.heads // s.kv_heads
        q = q.reshape(batch, s.kv_heads, group * length, s.head)  # the heads of a group share one matrix product
        scores = (q @ k.transpose(-1, -2)).view(batch, s.kv_heads, group, length, length)
        scores = (scores * (1 / math.sqrt(s.head)) + mask).softmax(-1)
        y = scores.view(batch, s.kv_heads, group * length, length) @ v
        y = y.view(batch, s.heads, length, s.head).transpose(1, 2).reshape(batch, length, s.width)
        return x + self.attn_output(y)

    def feed_forward(self, x):
        y = self.ffn_norm(x)
        return x + self.ffn_down(functional.silu(self.ffn_gate(y)) * self.ffn_up(y))


class Model(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.shape = shape
        self.token_embd = nn.Embedding(shape.vocabulary, shape.width)
        self.blk = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.output_norm = Norm(shape)
        angles = torch.outer(torch.arange(shape.context).float(),
                             shape.rope_base ** (-torch.arange(0, shape.head, 2).float() / shape.head))
        self.register_buffer("cosine", angles.cos(), persistent=False)
        self.register_buffer("sine", angles.sin(), persistent=False)
        self.register_buffer("mask", torch.full((shape.context, shape.context), float("-inf")).triu(1),
                             persistent=False)
        nn.init.normal_(self.token_embd.weight, std=0.02)
        for name, p in self.named_parameters():
            if p.dim() == 2 and name.startswith("blk"):
                last = name.endswith(("attn_output.weight", "ffn_down.weight"))
                nn.init.normal_(p, std=0.02 if not last else 0.02 / math.sqrt(2 * shape.layers))

    def states(self, ids, wanted=None):
        """Of every token [batch, length, width], or of those that are wanted (a mask of ids' shape) alone [count, width]."""
        length = ids.shape[1]
        x = self.token_embd(ids)
        cosine, sine, mask = self.cosine[:length], self.sine[:length], self.mask[:length, :length]
        for layer in self.blk:
            x = layer.attend(x, cosine, sine, mask)
            if layer is self.blk[-1] and wanted is not None:
                x = x[wanted]  # no other token needs what follows
            x = layer.feed_forward(x)
        return self.output_norm(x)

    def logits(self, states):
        return states @ self.token_embd.weight.t()

    @torch.no_grad()
    def answer(self, ids, end, most=200):
        """The likeliest continuation, without the end token."""
        made = list(ids)
        while len(made) < min(len(ids) + most, self.shape.context):
            token = int(self.logits(self.states(torch.tensor([made]))[0, -1]).argmax())
            if token == end:
                break
            made.append(token)
        return made[len(ids):]
