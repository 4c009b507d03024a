"""The bench's reference model in PyTorch, for bench_peers.py and bench_gpu.py: a pre-LN encoder
with GELU in its tanh form, mean pool and a linear classifier.

Attention is written in two ways: `matmul`, softmax(Q K^T) V over all heads at once, and `sdpa`,
PyTorch's fused kernel. `kept` heads of `heads` are what is left when the projections of the others
have been cut out of the weights: the best case of leaving heads out, with no choice at run time.
"""
import torch
from torch import nn
from torch.nn import functional


def attend_matmul(q, k, v):
    scores = torch.matmul(q, k.transpose(-2, -1)) * q.shape[-1] ** -0.5
    return torch.matmul(torch.softmax(scores, dim=-1), v)


class Layer(nn.Module):
    def __init__(self, dim, heads, kept, attention):
        super().__init__()
        self.kept, self.width = kept, kept * (dim // heads)
        # PyTorch 1 has no fused kernel to name.
        fused = attention == "sdpa"
        self.attend = functional.scaled_dot_product_attention if fused else attend_matmul
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.qkv, self.output = nn.Linear(dim, 3 * self.width), nn.Linear(self.width, dim)
        self.up, self.down = nn.Linear(dim, 4 * dim), nn.Linear(4 * dim, dim)

    def forward(self, x):
        batch, tokens, _ = x.shape
        qkv = self.qkv(self.norm1(x)).view(batch, tokens, 3, self.kept, self.width // self.kept)
        context = self.attend(*qkv.permute(2, 0, 3, 1, 4))
        x = x + self.output(context.transpose(1, 2).reshape(batch, tokens, self.width))
        hidden = functional.gelu(self.up(self.norm2(x)), approximate="tanh")
        return x + self.down(hidden)


class Encoder(nn.Module):
    def __init__(self, dim, length, layers, heads, vocab, classes, attention, kept=None):
        super().__init__()
        self.token, self.position = nn.Embedding(vocab, dim), nn.Embedding(length, dim)
        self.layers = nn.ModuleList(Layer(dim, heads, kept or heads, attention)
                                    for _ in range(layers))
        self.norm, self.classifier = nn.LayerNorm(dim), nn.Linear(dim, classes)

    def forward(self, tokens):
        x = self.token(tokens) + self.position.weight
        for layer in self.layers:
            x = layer(x)
        return self.classifier(self.norm(x).mean(dim=1))
