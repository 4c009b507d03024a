"""PyTorch's side of bench_gpu.py: its ways of running the reference model on a card, what the card
itself can do, and the model with heads cut out of its weights. Times are milliseconds of a call by
CUDA events, the median of samples of several calls.

A training step is forward, loss, backward, clipping and AdamW (PyTorch's fused one), in autocast
to bfloat16; inference is autocast, or weights kept in bfloat16. Attention is SDPA in both. A CUDA
graph holds a whole step, so nothing of it is launched by Python.

Both begin with tokens in page-locked memory of the host, as a loader leaves them, and copy what
they make to such memory: a step its loss, which nobody waits for, an inference its logits, which its
caller has when the call is over.
"""
import copy
import gc
import signal
import statistics
import time
import warnings

import peer_model
import torch
from torch.nn import functional

LAYERS, HEADS, VOCAB, CLASSES = 4, 8, 30000, 4
BF16 = torch.bfloat16


# ---- times ----

def milliseconds(call, seconds, least=0.005):
    """Median of a call over samples of at least `least` seconds, which fill `seconds`."""
    def sample(calls):
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record()
        for _ in range(calls):
            call()
        end.record()
        end.synchronize()
        return begin.elapsed_time(end) / calls

    until = time.perf_counter() + seconds / 3
    one = sample(1)
    while time.perf_counter() < until:
        one = sample(1)
    calls = max(1, round(1e3 * least / one))
    until = time.perf_counter() + seconds
    samples = []
    while len(samples) < 3 or time.perf_counter() < until:
        samples.append(sample(calls))
    return statistics.median(samples)


def in_graph(call):
    """The same work as one launch. What a capture must find ready is made by calls before it."""
    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        for _ in range(3):
            call()
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        call()

    def replay():
        graph.replay()
    replay.recorded = call  # keeps what the graph works on, like the moments of an optimiser
    return replay


class CompileTime:
    """What torch.compile may take, all of it together. A compilation that runs over is broken off,
    and no other is begun when the last one would not have fitted into what is left."""

    def __init__(self, seconds):
        self.left, self.last = seconds, 0.0

    def spend(self, make):
        if self.left <= self.last:
            raise TimeoutError("no time left to compile")
        begin = time.perf_counter()
        previous = signal.signal(signal.SIGALRM, self._over)
        signal.setitimer(signal.ITIMER_REAL, self.left)
        try:
            return make()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, previous)
            self.last = time.perf_counter() - begin
            self.left -= self.last

    @staticmethod
    def _over(*_):
        raise TimeoutError("it took too long to compile")


# ---- ways of running the model ----

def make_encoder(dim, length, kept=HEADS):
    with torch.device("cuda"):
        return peer_model.Encoder(dim, length, LAYERS, HEADS, VOCAB, CLASSES, "sdpa", kept)


class Ends:
    """Where calls begin and end: arrays in page-locked memory of the host, and the inputs' copies on
    the card."""

    def __init__(self, batch, length):
        self.here = {"tokens": torch.randint(VOCAB, (batch, length)).pin_memory(),
                     "labels": (torch.arange(batch) % CLASSES).pin_memory(),
                     "loss": torch.empty((), pin_memory=True),
                     "logits": torch.empty(batch, CLASSES, pin_memory=True)}
        self.there = {name: self.here[name].cuda() for name in ("tokens", "labels")}

    def bring(self, name):
        return self.there[name].copy_(self.here[name], non_blocking=True)

    def take(self, name, value):
        self.here[name].copy_(value.detach().float(), non_blocking=True)


def waited(call):
    def run():
        call()
        torch.cuda.current_stream().synchronize()
    return run


class Ways:
    """PyTorch's ways of training and inferring at one shape, as calls by name; `refused` says why
    a way is not among them."""

    def __init__(self, shape, compile_time):
        dim, self.batch, length = shape
        self.ends = Ends(self.batch, length)
        self.model = make_encoder(dim, length)
        self.narrow = copy.deepcopy(self.model).to(BF16).eval()  # weights of two bytes
        self.compile_time = compile_time
        self.calls, self.refused = {"training": {}, "inference": {}}, {}
        eager_loss = self.loss
        self.add("training", "eager", lambda: self.step(eager_loss))
        self.add("training", "graph", lambda: in_graph(self.step(eager_loss)))
        self.add("inference", "graph, bf16 weights",
                 lambda: in_graph(self.inference(self.narrow)))
        self.add("inference", "eager, bf16 weights", lambda: self.inference(self.narrow))
        self.add("inference", "eager", self.autocast_inference)
        self.add_compiled("training", lambda: self.step(self.compiled(eager_loss)))
        self.add_compiled("inference", lambda: self.inference(self.compiled(self.narrow)))

    @staticmethod
    def compiled(function):
        return torch.compile(function, dynamic=False)

    def add(self, what, name, make):
        """Returns the call without its end, which a graph cannot hold."""
        try:
            call = make()
            self.calls[what][name] = waited(call) if what == "inference" else call
            return call
        except (RuntimeError, TimeoutError) as failure:
            self.refused[what, name] = str(failure).strip().split("\n")[0] or repr(failure)
            return None

    def add_compiled(self, what, make):
        """The compiled call by itself and in a graph: it is compiled when it runs first."""
        def compiled():
            call = make()
            call()
            return call
        call = self.add(what, "compiled", lambda: self.compile_time.spend(compiled))
        if call:
            self.add(what, "compiled, graph", lambda: in_graph(call))

    def loss(self, tokens, labels):
        with torch.autocast("cuda", dtype=BF16, cache_enabled=False):
            return functional.cross_entropy(self.model(tokens), labels)

    def step(self, loss):
        parameters = list(self.model.parameters())
        optimizer = torch.optim.AdamW(parameters, lr=1e-6, betas=(0.9, 0.999), eps=1e-8,
                                      weight_decay=0.01, fused=True, capturable=True)

        def step():
            optimizer.zero_grad(set_to_none=True)
            value = loss(self.ends.bring("tokens"), self.ends.bring("labels"))
            value.backward()
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()
            self.ends.take("loss", value)
        return step

    def inference(self, model):
        def infer():
            with torch.no_grad():
                self.ends.take("logits", model(self.ends.bring("tokens")))
        return infer

    def autocast_inference(self):
        def infer():
            with torch.no_grad(), torch.autocast("cuda", dtype=BF16):
                self.ends.take("logits", self.model(self.ends.bring("tokens")))
        return infer


class Peer:
    def __init__(self, compile_seconds):
        warnings.filterwarnings("ignore", module="torch")  # advice of the compiler
        torch.manual_seed(1)
        torch.backends.cuda.matmul.allow_tf32 = True
        torch.set_float32_matmul_precision("high")
        self.compile_time = CompileTime(compile_seconds)
        self.ways = None

    @staticmethod
    def names():
        return {"card": torch.cuda.get_device_name(), "pytorch": torch.__version__,
                "cuda": torch.version.cuda}

    def open(self, shape, seconds):
        """Gets everything ready for a shape; the first time of every way, by kind and name, and why
        others have none."""
        self.ways = Ways(shape, self.compile_time)
        times = {what: {name: milliseconds(call, seconds) for name, call in calls.items()}
                 for what, calls in self.ways.calls.items()}
        return times, self.ways.refused

    def keep(self, names):
        """Only these ways are needed from now on: the others' memory is free for headroom."""
        self.ways.calls = {what: {name: self.ways.calls[what][name]}
                           for what, name in names.items()}
        self.free()

    def time(self, what, name, seconds):
        return milliseconds(self.ways.calls[what][name], seconds)

    def close(self):
        self.ways = None
        torch._dynamo.reset()
        self.free()

    @staticmethod
    def free():
        gc.collect()
        torch.cuda.empty_cache()

    # ---- what the card can do ----

    @staticmethod
    def limits(seconds):
        """FLOP/s of a large product in bfloat16 and bytes/s of a triad on arrays far beyond L2."""
        n, floats = 8192, 1 << 28
        a, b = (torch.randn(n, n, device="cuda", dtype=BF16) for _ in range(2))
        c = torch.empty_like(a)
        product = milliseconds(lambda: torch.mm(a, b, out=c), seconds)
        x, y = (torch.ones(floats, device="cuda") for _ in range(2))
        z = torch.empty_like(x)
        triad = milliseconds(lambda: torch.add(x, y, alpha=2.0, out=z), seconds)
        return {"flops_per_second": 2e3 * n ** 3 / product,
                "bytes_per_second": 1e3 * 12 * floats / triad}

    @staticmethod
    def products(shape, backward, seconds):
        """The layers' products alone, in one graph: operands and results in bfloat16, weights of
        their own for every layer, and activations that all layers share."""
        dim, batch, length = shape
        widths = [(dim, 3 * dim), (dim, dim), (dim, 4 * dim), (4 * dim, dim)]  # in, out

        def array(rows, columns):
            return torch.randn(rows, columns, device="cuda", dtype=BF16)
        rows = {width: (array(batch * length, width), array(batch * length, width))
                for width in (dim, 3 * dim, 4 * dim)}
        weights = [[(array(n, k), array(n, k)) for k, n in widths] for _ in range(LAYERS)]

        def run():
            for layer in weights:
                for weight, gradient in layer:
                    n, k = weight.shape
                    torch.mm(rows[k][0], weight.t(), out=rows[n][1])
                    if backward:
                        torch.mm(rows[n][0], weight, out=rows[k][1])
                        torch.mm(rows[n][0].t(), rows[k][0], out=gradient)
        return milliseconds(in_graph(run), seconds)

    @staticmethod
    def narrow(shape, kept, seconds):
        """Inference in a graph with bf16 weights of `kept` heads alone."""
        dim, batch, length = shape
        model = make_encoder(dim, length, kept).to(BF16).eval()
        ends = Ends(batch, length)

        def infer():
            with torch.no_grad():
                ends.take("logits", model(ends.bring("tokens")))
        return milliseconds(waited(in_graph(infer)), seconds)
