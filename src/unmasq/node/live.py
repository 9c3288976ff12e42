"""A node at work: opens what it watches, turns the pipeline, and lets everything go at the end."""

import select
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from types import TracebackType
from typing import Protocol, Self

from unmasq.base.clock import Clock
from unmasq.base.telemetry import Counters
from unmasq.join.settings import WindowSettings
from unmasq.model.ingress import FileIdentity
from unmasq.node.begun import Begun, begun_batch
from unmasq.node.desk import Desk
from unmasq.node.flows import Surroundings
from unmasq.node.own import OwnAddresses
from unmasq.node.pipeline import Pipeline, Source
from unmasq.node.sight import Sight
from unmasq.node.watch import Keeper, Watch
from unmasq.observe.feed import SOCKETS
from unmasq.observe.listeners import Listener, Listeners
from unmasq.read.cri import Unframer
from unmasq.read.endpoint import Place
from unmasq.read.lines import Window
from unmasq.read.log import Log
from unmasq.read.podnames import pod_that_wrote, pods_that_wrote
from unmasq.read.pods import Pods
from unmasq.read.receiver import Receiver
from unmasq.read.tail import Tail

PAUSE_SECONDS = 0.1  # how long a line may lie in the log before it is looked at
GATHER_SECONDS = 0.02  # events that are read together cost a fraction of what each costs alone; the kernel holds far more

Covered = Mapping[FileIdentity, Sequence[tuple[int, int]]]


class LogSource(Source, Protocol):
    """A source of lines that knows its files: a tail, the logs of a node's pods, what collectors or syslog clients send."""

    @property
    def begun(self) -> Mapping[FileIdentity, int]:
        """Files first read by this process, with the offset of the first byte that is ours."""
        ...

    def close(self) -> None:
        """Let all files go."""
        ...


class LiveNode:
    """Logs, the kernel and the desk of one node. Use as a context manager; `turn` by one thread.

    `more` are sources beside the logs that `watch` names; they are the node's from now on, and closed with it. `collecting`
    tells the pods that speak by them, UID -> NAMESPACE/POD.
    """

    def __init__(
        self,
        watch: Watch,
        keeper: Keeper,
        covered: Covered,
        clock: Clock,
        counters: Counters,
        more: Sequence[LogSource] = (),
        collecting: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        """Raises InputError for a log that can never be read, KernelError where a named namespace cannot be watched."""
        self.watch, self._keeper, self._clock, self._counters = watch, keeper, clock, counters
        self._stack, self._buffer = ExitStack(), Window.of()
        self.listeners = Listeners(counters, watch.listeners)
        self._heard: Sequence[Listener] = ()
        self._named_pods, self._collecting = pods_that_wrote(watch.logs), collecting
        for log in more:
            self._stack.callback(log.close)
        try:
            self.sight = Sight(watch, self.listeners, counters, clock)
            self._stack.callback(self.sight.witnesses.close)
            self.witness = self.sight.witnesses if self.sight.is_open else None
            self.own = OwnAddresses(watch.namespace, self._proxies, clock) if self.witness else None
            self.pods = self._open_pods(covered) if watch.pods else None
            logs = [self._open_log(path, covered) for path in watch.logs]
            self.receivers = [self._open_receiver(place) for place in watch.syslog]
            self._sources: list[LogSource] = [*logs, *([self.pods] if self.pods else []), *self.receivers, *more]
        except BaseException:
            self._stack.close()
            raise
        self._begun = [Begun(source) for source in self._sources]
        now_us, witnessed = clock.now_us(), self.witness is not None
        desk = Desk(self._window(), counters, self._surroundings, witnessed=witnessed, began_us=now_us, format=watch.format)
        self.pipeline = Pipeline(self._sources, self.witness, self.listeners, desk, keeper.sink, clock, keeper.moment, keeper.give_way)
        self.pipeline.begin()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stack.close()

    def hear_of(self, listeners: Sequence[Listener]) -> None:
        """Know the listeners of all nodes. Those on our own addresses are here; others may be: their lines will tell."""
        self._heard = listeners
        self.listeners.add(one for one in listeners if self.own and one[:2] in self.own.here)
        self.listeners.set_elsewhere(listeners)

    def turn(self) -> None:
        """One round: what has come, and what is complete; then wait a moment, or until the kernel has spoken for one."""
        if self.own and self.own.look():
            self.hear_of(self._heard)
        count = self.pipeline.step()
        self._note_begun()
        self.sight.look(self._pods_read)
        if not count:
            select.select([self.witness.fileno()] if self.witness else [], [], [], PAUSE_SECONDS)
            select.select([], [], [], GATHER_SECONDS)

    def finish(self) -> None:
        """Listen no more, read what is there, and hand on everything."""
        for receiver in self.receivers:
            receiver.close()
        self.pipeline.step()
        self.pipeline.finish()

    def _pods_read(self) -> dict[str, str]:
        """UID -> NAMESPACE/POD of those whose logs are read, or whose collectors may speak."""
        return {**self._named_pods, **(self.pods.chosen if self.pods else {}), **self._collecting()}

    def _window(self) -> WindowSettings:
        ask = self._keeper.interval_us
        return replace(self.watch.window, interval_us=ask()) if ask else self.watch.window

    def _proxies(self) -> list[str]:
        """The namespaces whose sockets are watched."""
        return [place.space for place in self.witness.places if place.feed is SOCKETS and place.space] if self.witness else []

    def _open_log(self, path: str, covered: Covered) -> Log:
        tail = Tail(path, self._counters, covered, from_start=self.watch.from_start, wait=True, window=self._buffer)
        self._stack.callback(tail.close)
        return Log(tail, Unframer(self._counters), pod_that_wrote(path))

    def _open_receiver(self, place: Place) -> Receiver:
        receiver = Receiver(place, self._counters, self._clock.now_us())
        self._stack.callback(receiver.close)
        return receiver

    def _open_pods(self, covered: Covered) -> Pods:
        pods = Pods(self.watch.pod_logs, self.watch.pods, self._counters, covered, from_start=self.watch.from_start)
        self._stack.callback(pods.close)
        pods.begin(self._clock.now_us())
        return pods

    def _note_begun(self) -> None:
        """Commit which part of a file is not ours, before anything of it: a restart must know the file again."""
        fresh = {file: offset for each in self._begun for file, offset in each.fresh().items()}
        if fresh:
            self._keeper.commit(begun_batch(self.watch.node, fresh, self._clock.now_us()))
        for each in self._begun:
            each.commit()

    def _surroundings(self) -> Surroundings:
        ranges = [*self.watch.node_ranges, *self._keeper.node_ranges()]
        if self.own is None:
            return Surroundings(self.watch.node, self._keeper.trust(), ranges)
        return Surroundings(self.watch.node, self._keeper.trust(), [*ranges, *self.own.ranges], self.own.of_node)
