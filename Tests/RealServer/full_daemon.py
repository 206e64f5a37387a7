"""A burst of 200,000 files through the watcher, which takes too long for every day."""

import test_daemon_watching


class FullOverflowTests(test_daemon_watching.OverflowTests):
    directories = 500
    files = 200_000
    # The kernel's own.
    queue = 16_384
    seconds = 1_800

    def churn_past(self, daemon, root):
        """The daemon runs beside it."""
        self.churn(root)
