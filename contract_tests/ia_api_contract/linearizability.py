"""Is a history of concurrent reads and versioned writes one that a single register could have told?

A history is linearizable where every operation can be given one moment between its call and its return, so that the
operations in the order of these moments are right one by one. The search is Wing's and Gong's: take any operation that
no other one has to precede, try it on the register, go back where nothing fits; what was tried is remembered, as Lowe
proposed. The register's rules: a read shows value and version as they are; a write is accepted exactly where the
version that it expected is the register's, and gives it a version that it never had; a refused one changes nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ia_api_contract.histories import Operation, Register, in_words

History = Sequence[Operation]


@dataclass(frozen=True)
class State:
    """The register during the search; a `version` of None is one that nobody was told, but none of `past`."""

    value: str | None
    version: str | None
    past: frozenset[str]

    def after(self, operation: Operation) -> "State | None":
        """The state after the operation, None where it can't happen here."""
        return self._after_read(operation) if operation.action == "read" else self._after_write(operation)

    def _may_be(self, version: str | None) -> bool:
        return version is not None and self.version in (None, version) and version not in self.past

    def _after_read(self, operation: Operation) -> "State | None":
        fits = self.value is None or self.value == operation.value
        if not fits or not self._may_be(operation.version):
            return None
        return State(operation.value, operation.version, self.past)

    def _after_write(self, operation: Operation) -> "State | None":
        if operation.refused:
            return None if self.version is not None and self.version == operation.expected else self
        if operation.expected is None or not self._may_be(operation.expected):
            return None
        past = self.past | {operation.expected}
        return None if operation.version in past else State(operation.value, operation.version, past)


@dataclass(frozen=True)
class Offence:
    """A history that no register can have told, as short as leaving out operations makes it, and what it began with."""

    first: Register
    history: tuple[Operation, ...]

    def __str__(self) -> str:
        return in_words(self.history, self.first)


def linearization(history: History, first: Register) -> list[Operation] | None:
    """The operations in an order that explains the history, None where there is no such order.

    Takes up to exponential time in the number of operations that overlap at one moment, not in the history's length.
    """
    everything = (1 << len(history)) - 1
    start = State(first.value, first.version, frozenset())
    tried = {(0, start)}
    path: list[int] = []
    choices = [_choices(history, 0, start)]
    done = [(0, start)]
    while choices:
        if done[-1][0] == everything:
            return [history[at] for at in path]
        step = next(choices[-1], None)
        if step is None:
            choices.pop()
            done.pop()
            if path:
                path.pop()
            continue
        at, state = step
        mask = done[-1][0] | 1 << at
        if (mask, state) not in tried:
            tried.add((mask, state))
            path.append(at)
            done.append((mask, state))
            choices.append(_choices(history, mask, state))
    return None


def _choices(history: History, mask: int, state: State) -> Iterator[tuple[int, State]]:
    """The operations that may come next, with the state after each: those called before any other one returned."""
    left = [at for at in range(len(history)) if not mask >> at & 1]
    if not left:
        return
    deadline = min(history[at].returned for at in left)
    for at in left:
        if history[at].called <= deadline and (after := state.after(history[at])) is not None:
            yield at, after


def is_linearizable(history: History, first: Register) -> bool:
    """Whether a single register that began so could have told the history."""
    return linearization(history, first) is not None


def offence(history: History, first: Register) -> Offence | None:
    """Why the history isn't linearizable: the shortest part of it that isn't; None where it is.

    Only what can be left out soundly is left out: no part of a right history would become wrong by it.
    """
    pair = _pair(history)
    if pair is not None:
        return pair
    if is_linearizable(history, first):
        return None
    found = Offence(first, tuple(history))
    return _cut(_thinned(_cut(found)))


def _pair(history: History) -> Offence | None:
    """Two accepted writes over one version, or two that made the same version: wrong without anything else."""
    accepted = [operation for operation in history if operation.action == "write" and operation.accepted]
    over: dict[str | None, Operation] = {}
    made: dict[str, Operation] = {}
    for operation in sorted(accepted, key=lambda one: one.called):
        if other := over.get(operation.expected):
            return Offence(Register(None, operation.expected), (other, operation))
        if operation.version is not None and (other := made.get(operation.version)):
            return Offence(Register(None, other.expected), (other, operation))
        over[operation.expected] = operation
        if operation.version is not None:
            made[operation.version] = operation
    return None


def _wrong(candidates: Iterator[Offence]) -> Offence | None:
    """The first of the candidates that no register can have told."""
    return next((one for one in candidates if not is_linearizable(one.history, one.first)), None)


def _cut(found: Offence) -> Offence:
    """The offence without beginnings and ends that it doesn't need."""
    while (shorter := _wrong(parts(found))) is not None:
        found = shorter
    return found


def _thinned(found: Offence) -> Offence:
    """The offence without the operations that change nothing and that it doesn't need: reads and refused writes.

    Once through is enough: what is needed now is needed in every part.
    """
    for operation in found.history:
        if operation.action == "read" or operation.refused:
            rest = Offence(found.first, tuple(one for one in found.history if one is not operation))
            found = _wrong(iter([rest])) or found
    return found


def parts(found: Offence) -> Iterator[Offence]:
    """Without a beginning or an end of the chain of versions, where the accepted writes are one chain.

    What names a version of the part cut off goes with it, so that what is left stands on its own.
    """
    chain = _chain(found)
    states = [found.first, *(Register(write.value, write.version) for write in chain)]
    order = {state.version: at for at, state in enumerate(states)}
    cuts = [len(chain) >> halved for halved in range(len(chain).bit_length())]
    for cut in cuts:
        yield Offence(states[cut], tuple(one for one in found.history if _from(one, order, cut, found)))
    for cut in reversed([len(chain) - cut for cut in cuts]):
        yield Offence(found.first, tuple(one for one in found.history if _up_to(one, order, cut)))


def _from(operation: Operation, order: dict[str | None, int], cut: int, found: Offence) -> bool:
    """Whether the operation belongs to a history that begins with the version at `cut`."""
    at = order.get(_names(operation), cut)
    if not operation.refused or at != cut:
        return at >= cut
    return any(_tells(one, operation.expected) and one.returned <= operation.called for one in found.history)


def _tells(operation: Operation, version: str | None) -> bool:
    """Whether the operation's answer showed that the register has the version."""
    return operation.accepted and operation.version == version


def _up_to(operation: Operation, order: dict[str | None, int], cut: int) -> bool:
    """Whether the operation belongs to a history that ends with the version at `cut`."""
    at = order.get(_names(operation), -1)
    return at <= cut if operation.action == "read" else at < cut


def _names(operation: Operation) -> str | None:
    """The version that the operation was made on."""
    return operation.version if operation.action == "read" else operation.expected


def _chain(found: Offence) -> list[Operation]:
    """The accepted writes, each over the version that the one before made; empty where they are no one chain.

    Nor are they where a version comes back or isn't known.
    """
    over = {one.expected: one for one in found.history if one.action == "write" and one.accepted}
    chain: list[Operation] = []
    passed: set[str | None] = {None}
    version = found.first.version
    while version not in passed and version in over:
        passed.add(version)
        chain.append(over[version])
        version = chain[-1].version
    return chain if len(chain) == len(over) and version not in passed else []
