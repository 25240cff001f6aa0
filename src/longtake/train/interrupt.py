"""Ctrl-C that lets a step end and the work be saved."""

from __future__ import annotations

import signal


class Interrupt:
    """While inside, the first Ctrl-C or SIGTERM only asks; the loop ends its step and saves."""

    asked = False

    def __enter__(self) -> Interrupt:
        self.before = {}
        try:
            for name in (signal.SIGINT, signal.SIGTERM):
                self.before[name] = signal.signal(name, self._ask)
        except ValueError:  # not the main thread: no handlers, nothing to do
            pass
        return self

    def __exit__(self, *_) -> None:
        for name, handler in self.before.items():
            signal.signal(name, handler)

    def _ask(self, *_) -> None:
        self.asked = True
