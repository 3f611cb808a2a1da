"""Continuous batching in time: which sequences a step computes, what it costs, who gets a token. No clock, no I/O."""

import random
from collections import deque
from typing import Any, Deque, List, Optional, Tuple

from .parameters import Parameters

# A step never takes less than this part of its mean, whatever the noise says.
_LEAST_NOISE = 0.2


class Sequence:
    """A request in the engine. `owner` is the server's; the scheduler does not look at it."""

    __slots__ = ("owner", "prompt_tokens", "output_tokens", "generated", "computed", "prefill_until", "blocks")

    def __init__(self, owner: Any, prompt_tokens: int, output_tokens: int) -> None:
        self.owner = owner
        self.prompt_tokens = prompt_tokens
        self.output_tokens = output_tokens
        self.generated = 0
        #: Tokens whose keys and values are in the cache.
        self.computed = 0
        #: Tokens that count as prefill: the prompt, and after a preemption what had been generated.
        self.prefill_until = prompt_tokens
        self.blocks = 0


class Scheduler:
    """First come, first served, decodes before new prefills, prefill in chunks of what the token budget leaves.

    When a running sequence finds no free block, the youngest one loses its blocks and is computed again later
    (preemption by recompute), as vLLM does.
    """

    def __init__(self, parameters: Parameters) -> None:
        self._parameters = parameters
        self._noise = random.Random(parameters.seed)
        self._scheduled: List[Tuple[Sequence, int]] = []
        self.waiting: Deque[Sequence] = deque()
        #: Oldest first.
        self.running: List[Sequence] = []
        self.free_blocks = parameters.kv_blocks
        self.preemptions = 0
        self.prefilled_tokens = 0
        self.generated_tokens = 0

    @property
    def kv_usage(self) -> float:
        return 1.0 - self.free_blocks / self._parameters.kv_blocks

    def add(self, sequence: Sequence) -> None:
        self.waiting.append(sequence)

    def remove(self, sequence: Sequence) -> None:
        """The client went away, also in the middle of a step."""
        if sequence in self.running:
            self.running.remove(sequence)
        elif sequence in self.waiting:
            self.waiting.remove(sequence)
        self._release(sequence)
        self._scheduled = [entry for entry in self._scheduled if entry[0] is not sequence]

    def begin_step(self) -> Optional[float]:
        """Decides what the step computes; its duration in seconds, or None where there is nothing to do."""
        parameters = self._parameters
        budget = parameters.max_num_batched_tokens
        block_size = parameters.block_size
        running = self.running
        scheduled = self._scheduled = []
        cached = prefilled = at = 0
        preempted = False
        while at < len(running) and budget > 0:
            sequence = running[at]
            computed = sequence.computed
            tokens = sequence.prompt_tokens + sequence.generated - computed
            if tokens > budget:
                tokens = budget
            needed = -(-(computed + tokens) // block_size) - sequence.blocks
            if needed > 0:
                while needed > self.free_blocks:
                    preempted = True
                    if self._preempt_youngest() is sequence:
                        break
                if at >= len(running):
                    break
                self.free_blocks -= needed
                sequence.blocks += needed
            budget -= tokens
            cached += computed
            if computed < sequence.prefill_until:
                prefilled += tokens
            scheduled.append((sequence, tokens))
            at += 1
        while self.waiting and not preempted and budget > 0 and len(running) < parameters.max_num_seqs:
            sequence = self.waiting[0]
            tokens = min(sequence.prompt_tokens + sequence.generated, budget)
            needed = -(-tokens // block_size)
            if needed > self.free_blocks:
                break
            self.waiting.popleft()
            running.append(sequence)
            self.free_blocks -= needed
            sequence.blocks = needed
            budget -= tokens
            prefilled += tokens
            scheduled.append((sequence, tokens))
        if not scheduled:
            return None
        self.prefilled_tokens += prefilled
        mean = (
            parameters.base_seconds
            + parameters.per_sequence_seconds * len(scheduled)
            + parameters.per_kv_token_seconds * cached
            + parameters.per_prefill_token_seconds * prefilled
        )
        if parameters.relative_deviation == 0:
            return mean
        return mean * max(_LEAST_NOISE, self._noise.gauss(1.0, parameters.relative_deviation))

    def end_step(self) -> List[Sequence]:
        """Sequences that got a token by the step, oldest first. Finished ones have left the engine."""
        scheduled, self._scheduled = self._scheduled, []
        emitted = []
        for sequence, tokens in scheduled:
            sequence.computed += tokens
            if sequence.computed < sequence.prompt_tokens + sequence.generated:
                continue
            sequence.generated += 1
            emitted.append(sequence)
            if sequence.generated >= sequence.output_tokens:
                self.running.remove(sequence)
                self._release(sequence)
        self.generated_tokens += len(emitted)
        return emitted

    def _preempt_youngest(self) -> Sequence:
        sequence = self.running.pop()
        self._release(sequence)
        sequence.computed = 0
        sequence.prefill_until = sequence.prompt_tokens + sequence.generated
        self.waiting.appendleft(sequence)
        self.preemptions += 1
        return sequence

    def _release(self, sequence: Sequence) -> None:
        self.free_blocks += sequence.blocks
        sequence.blocks = 0
