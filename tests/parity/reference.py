"""The models of Headroom in plain PyTorch, written from its documents and not from its C.

Everything is float64 and one sample at a time: what a formula says stands here as a line. Layout and
forward pass: models/checkpoint.md. Methods: the opening paragraphs of models/policies/*.c,
which state what is a paper's and what is ours; each class below repeats the formula it computes.
"""
import math

import torch
from torch.nn import functional


class Fixed:
    """No gates: every head that exists runs."""

    def __init__(self, config, progress, noise):
        self.options, self.progress, self.noise = config["policy_options"], progress, noise
        self.budgets = {}  # of each sample, where one holds for all layers
        self.terms = []  # of the loss, one for each sample and layer

    def gates(self, own, layer, sample, x, training):
        """Gates [rows or 1, H] of one sample whose attention input is x [N, D]; None: all are 1."""
        return None

    def regulariser(self):
        return torch.stack(self.terms).mean() if self.terms else torch.zeros((), dtype=torch.float64)


def exact_top_k(z, budget, tau):
    """a_h = sigmoid((z_h - theta) / tau) with sum a = budget, theta by bisection. Its derivatives are
    those of the implicit function: one Newton step from the root, differentiated."""
    heads = len(z)
    if budget > heads - 1e-3:
        return torch.ones_like(z)
    low, high = float(z.min()) - 50 * tau, float(z.max()) + 50 * tau
    for _ in range(200):
        theta = (low + high) / 2
        if float(torch.sigmoid((z - theta) / tau).sum()) > float(budget):
            low = theta
        else:
            high = theta
    a = torch.sigmoid((z - theta) / tau)
    slope = float((a * (1 - a)).sum()) / tau
    if slope < 1e-6:
        return a.detach()
    return torch.sigmoid((z - theta - (a.sum() - budget) / slope) / tau)


def hard_top_k(z, budget):
    """1 on the k = clamp(ceil(budget - 1e-4), 1, H) largest scores."""
    k = min(max(math.ceil(float(budget) - 1e-4), 1), len(z))
    a = torch.zeros_like(z)
    a[torch.topk(z, k).indices] = 1
    return a


class Budgetformer(Fixed):
    """s = sigmoid(w2 . relu(W1 x + b1) + b2), z = W_d x + b_d of the pooled x; soft top-k in training,
    the hard mask with the soft gradient from hard_from on, the hard mask at inference."""

    def schedule(self):
        o, p = self.options, self.progress
        noise = o["noise"] * max(0.0, 1 - p / o["noise_until"])
        tau = o["tau_start"] * (o["tau_end"] / o["tau_start"]) ** min(1.0, p / o["tau_until"])
        entropy = o["entropy_start"] + p * (o["entropy_end"] - o["entropy_start"])
        ramp = (p - o["ramp_from"]) / (o["ramp_until"] - o["ramp_from"])
        return noise, tau, entropy, o["cost"] * min(1.0, max(0.0, ramp))

    def decide(self, own, layer, sample, x):
        pooled = x.mean(0)
        if layer == 0 or not self.options["global_budget"]:  # else the first layer's s holds for all
            hidden = torch.relu(own["budget.0.weight"] @ pooled + own["budget.0.bias"])
            s = torch.sigmoid(own["budget.2.weight"] @ hidden + own["budget.2.bias"])[0]
            self.budgets[sample] = s
        return self.budgets[sample], own["score.weight"] @ pooled + own["score.bias"]

    def add_terms(self, s, z):
        """w_e Hent + hinge (max(0, .1 - s) + max(0, s - .9)) + cost s, Hent the entropy of
        softmax(z / tau) over ln H. With cost_on: executed the cost is on k / H, k = ceil(s H), and its
        gradient that of s while k > 1."""
        _, tau, entropy, cost = self.schedule()
        log_p = torch.log_softmax(z / tau, 0)
        spread = -(log_p.exp() * log_p).sum() / math.log(len(z))
        hinge = torch.relu(0.1 - s) + torch.relu(s - 0.9)
        if self.options["cost_on"] == "executed":
            k = float(hard_top_k(z, s * len(z)).sum())
            paid = k / len(z) + (s - s.detach() if k > 1 else 0)
        else:
            paid = s
        self.terms.append(entropy * spread + self.options["hinge"] * hinge + cost * paid)

    def gates(self, own, layer, sample, x, training):
        s, z = self.decide(own, layer, sample, x)
        if not training:
            return self.infer(s, z)[None]
        noise, tau, _, _ = self.schedule()
        self.add_terms(s, z)
        return self.train(s, z + noise * self.noise[layer, sample], tau)[None]

    def train(self, s, z, tau):
        a = exact_top_k(z, s * len(z), tau)
        if self.progress < self.options["hard_from"]:
            return a
        return hard_top_k(z, s * len(z)) + a - a.detach()

    def infer(self, s, z):
        return hard_top_k(z, s * len(z))


class BudgetformerPaper(Budgetformer):
    """a = s H p with p = softmax(z / tau) in training; at inference on the top k set S alone: plain 1,
    mass s H p / sum_S p, raw s H p, tau the last one."""

    def train(self, s, z, tau):
        return s * len(z) * torch.softmax(z / tau, 0)

    def infer(self, s, z):
        chosen = hard_top_k(z, s * len(z))
        p = torch.softmax(z / self.options["tau_end"], 0) * chosen
        return {"plain": chosen, "mass": s * len(z) * p / p.sum(),
                "raw": s * len(z) * p}[self.options["mode"]]


class Moh(Fixed):
    """Of x, for every token: shared heads gate 2 alpha_1 h_s softmax(W_s x), the K largest of the E
    routed ones 2 alpha_2 K p_j / sum_chosen p with p = softmax(W_r x); alpha = softmax(W_h x). Balance:
    mean_j(P_j f_j) E^2 over all rows of the batch, averaged over layers."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.routed = {}  # layer: probabilities and choices of every row so far

    def rows(self, x):
        return x

    def gates(self, own, layer, sample, x, training):
        shared, k = self.options["shared"], self.options["routed"]
        z = self.rows(x) @ own["router.weight"].T
        s, p = torch.softmax(z[:, :shared], 1), torch.softmax(z[:, shared:-2], 1)
        alpha = torch.softmax(z[:, -2:], 1)
        chosen = torch.zeros_like(p).scatter(1, torch.topk(p, k, 1).indices, 1.0)
        if training:
            self.routed.setdefault(layer, []).append((p, chosen))
        kept = p * chosen
        return torch.cat([2 * alpha[:, :1] * shared * s,
                          2 * alpha[:, 1:] * k * kept / kept.sum(1, keepdim=True)], 1)

    def regulariser(self):
        terms = []
        for rows in self.routed.values():
            p, f = (torch.cat(parts).mean(0) for parts in zip(*rows))
            terms.append((p * f).mean() * len(p) ** 2)
        return self.options["balance"] * torch.stack(terms).mean()


class MohPool(Moh):
    """The same of the pooled x: one row for a sample."""

    def rows(self, x):
        return x.mean(0, keepdim=True)


POLICIES = {"fixed": Fixed, "budgetformer": Budgetformer, "budgetformer-paper": BudgetformerPaper,
            "moh": Moh, "moh-pool": MohPool}


def attention(own, config, heads, x, a):
    """sum_h a_h softmax(Q_h K_h^T / sqrt(d)) V_h W_O^h + b_O of one sample x [N, D]."""
    n, d = len(x), config["head_dim"]
    q, k, v = (functional.linear(x, own[f"attn.{w}.weight"], own[f"attn.{w}.bias"])
               .reshape(n, heads, d).transpose(0, 1) for w in "qkv")
    out = torch.softmax(q @ k.transpose(1, 2) / math.sqrt(d), -1) @ v  # [H, N, d]
    if a is not None:
        out = out * a.expand(n, heads).T[:, :, None]  # one row of gates for all tokens, or one each
    joined = out.transpose(0, 1).reshape(n, heads * d)
    return functional.linear(joined, own["attn.o.weight"], own["attn.o.bias"])


def logits_of(weights, config, policy, sample, tokens, training):
    """Logits [C] of one sample."""
    norm = lambda own, name, x: functional.layer_norm(
        x, x.shape[-1:], own[name + ".weight"], own[name + ".bias"], config["norm_eps"])
    x = weights["embed.token.weight"][tokens] + weights["embed.position.weight"][:len(tokens)]
    if config.get("separator"):
        between = (tokens == config["separator"]).long()
        x = x + weights["embed.segment.weight"][(between.cumsum(0) - between).clamp(max=1)]
    for layer, heads in enumerate(config["heads"]):
        prefix = f"layers.{layer}."
        own = {k[len(prefix):]: v for k, v in weights.items() if k.startswith(prefix)}
        gate = {k[len("policy."):]: v for k, v in own.items() if k.startswith("policy.")}
        if heads > 0:
            y = norm(own, "ln1", x)
            x = x + attention(own, config, heads, y, policy.gates(gate, layer, sample, y, training))
        y = functional.linear(norm(own, "ln2", x), own["ffn.up.weight"], own["ffn.up.bias"])
        y = 0.5 * y * (1 + torch.tanh(math.sqrt(2 / math.pi) * (y + 0.044715 * y ** 3)))
        x = x + functional.linear(y, own["ffn.down.weight"], own["ffn.down.bias"])
    pooled = norm(weights, "final_ln", x).mean(0)
    return functional.linear(pooled, weights["classifier.weight"], weights["classifier.bias"])


def compute(config, progress, tensors):
    """The results of a case (README.md), as {name: tensor}, from its weights, batch and noise."""
    results = ("gradient.", "batch.", "noise", "logits", "log_probability", "loss", "regulariser")
    weights = {k: v.clone().requires_grad_() for k, v in tensors.items()
               if not k.startswith(results)}
    tokens, labels = tensors["batch.tokens"].long(), tensors["batch.labels"].long()
    offsets = tensors["batch.offsets"].long().tolist()
    noise = tensors["noise"].reshape(len(config["heads"]), len(labels), -1)
    policy = POLICIES[config["policy"]](config, progress, noise)

    def run(training):
        return torch.stack([logits_of(weights, config, policy, b, tokens[first:last], training)
                            for b, (first, last) in enumerate(zip(offsets, offsets[1:]))])

    log_probability = torch.log_softmax(run(True), 1)
    loss = -log_probability[torch.arange(len(labels)), labels].mean()
    regulariser = policy.regulariser()
    names = list(weights)
    gradients = torch.autograd.grad(loss + regulariser, [weights[n] for n in names],
                                    allow_unused=True)
    out = {"gradient." + n: torch.zeros_like(weights[n]) if g is None else g
           for n, g in zip(names, gradients)}
    with torch.no_grad():
        out["logits"] = run(False)
    out["log_probability"] = log_probability
    out["loss"], out["regulariser"] = loss.reshape(1), regulariser.reshape(1)
    return {name: value.detach() for name, value in out.items()}
