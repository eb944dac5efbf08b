"""A clock that only a test moves: ten minutes of a monitor take no time."""


class FakeClock:
    """Call it for its time; `wait` passes time, as a monitor's wait does."""

    def __init__(self, at=0.0):
        self.at = at

    def __call__(self):
        return self.at

    def wait(self, seconds):
        self.at += seconds
        return False
