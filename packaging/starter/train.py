#!/usr/bin/python3
"""Trains the starter model. Stops by itself; run again with the same arguments, it goes on from the last checkpoint.

    train.py --corpus CORPUS.jsonl --tokenizer TOKENIZER.json --out FOLDER [--steps 4000] [--minutes 60]

Each worker is one process with one thread and takes its share of every batch; they meet once a step, which on a busy
machine is far faster than threads that meet in every operation. Matrices of the layers learn by Muon, the rest by Adam.
The first steps see nothing but words that are to be repeated: what copies them is found there in minutes, and among
everything else it is not found in half an hour. Then comes everything, and sums, which are slow to be found, too, weigh more
and are drilled; later, when they are known, they make room for the rest.
"""

import argparse
import csv
import json
import math
import os
import random
import sys
import time

import torch
from torch import multiprocessing
from torch.nn import functional

from model import Model, Shape
from tokenizer import Tokenizer

EARLY = 2400  # steps: how soon sums are found does not depend on how long the rest goes on
PROMPT_SHARE = 0.12  # of the tokens that people write, so many are learned from too at first
LATE_SHARES = {"drills": 0, "repeats": 0.4, "stories": 0.5}  # what is known by then makes room
SUM_WEIGHT = 4.0  # at first: a sum is hard to learn, and the part that is hard is one token or two


def load(path, tokenizer, context):
    """Lists of (ids, is_answer, kind); what is longer than the context is left out."""
    samples = []
    with open(path, encoding="utf-8") as file:
        for line in file:
            ids, answer, chat = [], [], json.loads(line)
            for kind, text in chat["pieces"]:
                made = [tokenizer.ids[text]] if kind == "control" else tokenizer.encode(text)
                if kind == "answer":
                    made = made + [tokenizer.end]
                ids += made
                answer += [kind == "answer"] * len(made)
            if len(ids) <= context:
                samples.append((ids, answer, chat["kind"]))
    return samples


def batches(samples, tokens, seed):
    """One epoch: batches of samples of like length, about `tokens` tokens each with the padding."""
    dice = random.Random(seed)
    order = list(range(len(samples)))
    dice.shuffle(order)
    made = []
    for at in range(0, len(order), 2048):
        pool = sorted(order[at:at + 2048], key=lambda i: len(samples[i][0]))
        batch = []
        for i in pool:
            if batch and (len(batch) + 1) * len(samples[i][0]) > tokens:
                made.append(batch)
                batch = []
            batch.append(i)
        made.append(batch)
    dice.shuffle(made)
    return made


def tensors(samples, picked, is_early, dice):
    longest = max(len(samples[i][0]) for i in picked)
    ids = torch.zeros(len(picked), longest, dtype=torch.long)
    answers = torch.zeros(len(picked), longest, dtype=torch.bool)
    chosen = torch.zeros(len(picked), longest, dtype=torch.bool)
    weights = torch.ones(len(picked), longest)
    for row, i in enumerate(picked):
        tokens, answer, kind = samples[i]
        ids[row, :len(tokens)] = torch.tensor(tokens)
        answers[row, :len(tokens)] = torch.tensor(answer)
        chosen[row, :len(tokens)] = torch.rand(len(tokens), generator=dice) < (PROMPT_SHARE if is_early else 0)
        if is_early and kind in ("sums", "drills"):
            weights[row] = SUM_WEIGHT
    chosen |= answers
    chosen[:, 0] = False
    return ids, answers, chosen, weights


def losses(model, ids, chosen):
    wanted = chosen[:, 1:]
    states = model.states(ids[:, :-1], wanted)
    return functional.cross_entropy(model.logits(states), ids[:, 1:][wanted], reduction="none")


class Muon:
    """Steps of one size in every direction of a matrix: the momentum's nearest orthogonal matrix."""

    def __init__(self, parameters):
        self.parameters = parameters
        self.momenta = [torch.zeros_like(p) for p in parameters]

    def step(self, rate, decay, mine):
        for i, p in enumerate(self.parameters):
            if not mine(i):
                continue
            g, m = p.shared_gradient, self.momenta[i]
            m.mul_(0.95).add_(g)
            x = g.add(m, alpha=0.95)
            if tall := x.shape[0] > x.shape[1]:
                x = x.t()
            x = x / (x.norm() + 1e-7)
            for _ in range(5):
                a = x @ x.t()
                x = 3.4445 * x + (-4.775 * a + 2.0315 * (a @ a)) @ x
            x = x.t() if tall else x
            p.data.mul_(1 - rate * decay).add_(x, alpha=-rate * max(1, p.shape[0] / p.shape[1]) ** 0.5)


class Adam:
    def __init__(self, parameters):
        self.parameters = parameters
        self.means = [torch.zeros_like(p) for p in parameters]
        self.squares = [torch.zeros_like(p) for p in parameters]
        self.steps = 0

    def step(self, rate):
        self.steps += 1
        for p, mean, square in zip(self.parameters, self.means, self.squares):
            g = p.shared_gradient
            mean.lerp_(g, 0.1)
            square.lerp_(g * g, 0.02)
            size = (square / (1 - 0.98 ** self.steps)).sqrt_().add_(1e-8)
            p.data.addcdiv_(mean / (1 - 0.9 ** self.steps), size, value=-rate)


def rate_at(done):
    """Up within the first fiftieth, then down along a cosine to nothing."""
    return min(1.0, done / 0.02) * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


class Job:
    """What all workers share: parameters and gradients in shared memory, and where they meet."""

    def __init__(self, options, shape, workers):
        self.options, self.shape, self.workers = options, shape, workers
        torch.manual_seed(options.seed)
        self.model = Model(shape).share_memory()
        self.gradients = [[torch.zeros_like(p).share_memory_() for p in self.model.parameters()]
                          for _ in range(workers)]
        self.momenta = [torch.zeros_like(p).share_memory_() for p in self.model.blk.parameters() if p.dim() == 2]
        self.sums = torch.zeros(workers, 4).share_memory_()
        self.control = torch.zeros(4, dtype=torch.double).share_memory_()  # step, seconds, done, tokens
        self.barrier = multiprocessing.get_context("fork").Barrier(workers)


def validate(model, samples):
    """Mean loss of the answers of samples that are not trained on."""
    total, count = 0.0, 0
    with torch.no_grad():
        for batch in batches(samples, 4096, 0):
            ids, answers, _, _ = tensors(samples, batch, False, torch.Generator())
            made = losses(model, ids, answers)
            total, count = total + float(made.sum()), count + len(made)
    return total / count


def fewer(samples, seed):
    dice = random.Random(seed)
    return [s for s in samples if dice.random() < LATE_SHARES.get(s[2], 1)]


class Plan:
    """Which samples are the batch of a step, whatever step a run goes on from."""

    def __init__(self, samples, tokens, seed):
        self.samples, self.tokens, self.seed = samples, tokens, seed
        self.first, self.epoch, self.batches = 0, 0, batches(samples, tokens, f"{seed} 0")

    def batch(self, step, is_early):
        while step - self.first >= len(self.batches):
            self.first += len(self.batches)
            self.epoch += 1
            self.batches = batches(self.samples, self.tokens, f"{self.seed} {self.epoch}")
        picked = self.batches[step - self.first]
        dice = torch.Generator().manual_seed(self.seed * 1000003 + step)
        return picked, *tensors(self.samples, picked, is_early, dice)


class Worker:
    """One of the processes that share a job. The first one also keeps the time, the log and the checkpoints."""

    def __init__(self, rank, job, samples, held, adam_state):
        torch.set_num_threads(1)
        self.rank, self.job, self.held = rank, job, held
        self.parameters = list(job.model.parameters())
        for p, g in zip(self.parameters, job.gradients[0]):
            p.shared_gradient = g
        matrices = [p for p in job.model.blk.parameters() if p.dim() == 2]
        self.muon = Muon(matrices)
        self.muon.momenta = job.momenta
        self.adam = Adam([p for p in self.parameters if not any(p is m for m in matrices)])
        if adam_state:
            self.adam.means, self.adam.squares, self.adam.steps = adam_state
        self.copying = Plan([s for s in samples if s[2] == "repeats"], job.options.tokens, job.options.seed)
        self.early = Plan(samples, job.options.tokens, job.options.seed)
        self.late = Plan(fewer(samples, job.options.seed), job.options.tokens, job.options.seed)
        self.started = time.monotonic() - float(job.control[1])

    def run(self):
        o, control = self.job.options, self.job.control
        step = int(control[0])
        while True:
            if self.rank == 0:
                control[1] = time.monotonic() - self.started
                control[2] = max(step / o.steps, float(control[1]) / (60 * o.minutes) if o.minutes else 0)
            self.job.barrier.wait()
            if control[2] >= 1:
                break
            self.learn(step, float(control[2]))
            step += 1
            if self.rank == 0:
                control[0] = step
                self.report(step, rate_at(float(control[2])))
            self.job.barrier.wait()
        if self.rank == 0:
            self.save()
            print(f"done: {step} steps, {int(control[3])} tokens, {control[1]:.0f} s, "
                  f"held out {validate(self.job.model, self.held):.4f}")

    def learn(self, step, done):
        job, mine = self.job, slice(self.rank, None, self.job.workers)
        first, is_early = job.options.copying_steps, step < EARLY
        plan, at = (self.copying, step) if step < first else (self.early if is_early else self.late, step - first)
        picked, ids, answers, chosen, weights = plan.batch(at, is_early)
        for p in self.parameters:
            p.grad = None
        job.sums[self.rank] = 0
        if len(picked) > self.rank:
            made = losses(job.model, ids[mine], chosen[mine])
            (made * weights[mine][:, 1:][chosen[mine][:, 1:]]).sum().div(float(weights[chosen].sum())).backward()
            self.note(made.detach(), answers[mine][:, 1:][chosen[mine][:, 1:]])
        for p, g in zip(self.parameters, job.gradients[self.rank]):
            g.zero_() if p.grad is None else g.copy_(p.grad)
        job.barrier.wait()
        for i in range(self.rank, len(self.parameters), job.workers):
            for other in job.gradients[1:]:
                job.gradients[0][i].add_(other[i])
        job.barrier.wait()
        o, rate = job.options, rate_at(done)
        self.muon.step(o.matrix_rate * rate, o.decay, lambda i: i % job.workers == self.rank)
        if self.rank == 0:
            self.adam.step(o.rate * rate)
            job.control[3] += ids.numel()

    def note(self, made, is_answer):
        self.job.sums[self.rank] = torch.tensor([float(made[is_answer].sum()), int(is_answer.sum()),
                                                 float(made[~is_answer].sum()), int((~is_answer).sum())])

    def report(self, step, rate):
        o, is_check = self.job.options, step % self.job.options.check == 0
        if step % 10 and step != 1 and not is_check:
            return
        s, seconds, seen = self.job.sums.sum(0), time.monotonic() - self.started, int(self.job.control[3])
        answers, prompts = float(s[0] / s[1].clamp(min=1)), f"{float(s[2] / s[3]):.4f}" if s[3] else ""
        held = f"{validate(self.job.model, self.held):.4f}" if step % (5 * o.check) == 0 else ""
        with open(os.path.join(o.out, "loss.csv"), "a", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            if step == 1:
                rows.writerow(["step", "seconds", "tokens", "rate", "answers", "prompts", "held_out"])
            rows.writerow([step, f"{seconds:.0f}", seen, f"{rate:.4f}", f"{answers:.4f}", prompts, held])
        if step % 50 == 0 or step <= 10:
            print(f"step {step}  {seconds:.0f} s  {seen / seconds:.0f} tokens/s  "
                  f"answers {answers:.3f}  prompts {prompts}  held out {held}", flush=True)
        if is_check:
            self.save()

    def save(self):
        path = os.path.join(self.job.options.out, "checkpoint.pt")
        adam = self.adam
        torch.save({"shape": vars(self.job.shape), "model": self.job.model.state_dict(), "momenta": self.job.momenta,
                    "adam": (adam.means, adam.squares, adam.steps), "control": self.job.control.clone()},
                   path + ".new")
        os.replace(path + ".new", path)


def work(rank, job, samples, held, adam_state):
    try:
        Worker(rank, job, samples, held, adam_state).run()
    except BaseException:
        job.barrier.abort()  # so that the others do not wait for ever
        raise


def restore(job, path):
    """Puts a checkpoint into the job, returns Adam's state."""
    saved = torch.load(path)
    job.model.load_state_dict(saved["model"])
    for mine, theirs in zip(job.momenta, saved["momenta"]):
        mine.copy_(theirs)
    job.control.copy_(saved["control"])
    with open(os.path.join(job.options.out, "loss.csv"), encoding="utf-8") as file:
        head, *rows = file.readlines()
    with open(os.path.join(job.options.out, "loss.csv"), "w", encoding="utf-8") as file:
        file.writelines([head] + [row for row in rows if int(row.split(",")[0]) <= int(job.control[0])])
    print(f"goes on from step {int(job.control[0])}")
    return saved["adam"]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--corpus", required=True)
    p.add_argument("--tokenizer", required=True)
    p.add_argument("--out", required=True, help="folder for checkpoint.pt and loss.csv")
    p.add_argument("--steps", type=int, default=4000, help="at most so many; the learning rate is planned for them")
    p.add_argument("--minutes", type=float, default=0, help="at most so long; the plan shrinks to fit (0: no limit)")
    p.add_argument("--copying-steps", type=int, default=400, help="steps that learn from repeating alone, at first")
    p.add_argument("--tokens", type=int, default=4096, help="of one step")
    p.add_argument("--layers", type=int, default=4)
    p.add_argument("--rate", type=float, default=0.003, help="of Adam")
    p.add_argument("--matrix-rate", type=float, default=0.02, help="of Muon")
    p.add_argument("--decay", type=float, default=0.1)
    p.add_argument("--check", type=int, default=100, help="steps between checkpoints; the loss of held-out samples is counted at every fifth")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--workers", type=int, default=min(2, os.cpu_count()))
    o = p.parse_args()

    torch.set_num_threads(1)
    os.makedirs(o.out, exist_ok=True)
    tokenizer = Tokenizer.load(o.tokenizer)
    shape = Shape(vocabulary=len(tokenizer.tokens), layers=o.layers)
    job = Job(o, shape, o.workers)
    checkpoint, adam_state = os.path.join(o.out, "checkpoint.pt"), None
    if os.path.exists(checkpoint):
        adam_state = restore(job, checkpoint)
    elif os.path.exists(os.path.join(o.out, "loss.csv")):
        os.remove(os.path.join(o.out, "loss.csv"))
    samples = load(o.corpus, tokenizer, shape.context)
    held = samples[::100][:400]
    samples = [s for i, s in enumerate(samples) if i % 100 or i // 100 >= 400]
    print(f"{sum(p.numel() for p in job.model.parameters())} parameters, {len(samples)} samples, "
          f"{sum(len(s[0]) for s in samples)} tokens, {len(held)} samples held out", flush=True)
    context = multiprocessing.get_context("fork")
    others = [context.Process(target=work, args=(r, job, samples, held, adam_state)) for r in range(1, o.workers)]
    for process in others:
        process.start()
    work(0, job, samples, held, adam_state)
    for process in others:
        process.join()
    sys.exit(max([0] + [abs(process.exitcode) for process in others]))


if __name__ == "__main__":
    main()
