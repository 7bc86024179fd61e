"""Is anybody there? Found out in seconds, where downloaders retry for minutes. Serves `mirrors` and `tfds`."""

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Sequence

PATIENCE = 3.5  # seconds for name look-up, connection and reply, of all addresses at once


def first_to_answer(urls: Sequence[str], accept: Callable[[int], bool] = lambda status: status == 200) -> str | None:
    """The first of `urls` whose server gives an HTTP status that is accepted; None after `PATIENCE` seconds without."""
    import requests  # 0.2 s, and only those who download need it; it comes with pooch

    answers: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def ask(url: str) -> None:
        try:
            accepted = accept(requests.head(url, timeout=PATIENCE, allow_redirects=True).status_code)
        except Exception:  # whatever went wrong: from here this server has no answer
            accepted = False
        answers.put(url if accepted else None)

    for url in urls:  # daemons, since nothing can interrupt a name look-up that hangs
        threading.Thread(target=ask, args=(url,), daemon=True).start()
    end = time.monotonic() + PATIENCE
    with contextlib.suppress(queue.Empty):  # time is up
        for _ in urls:
            if answer := answers.get(timeout=max(0, end - time.monotonic())):
                return answer
    return None
