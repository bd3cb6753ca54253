"""Ctrl-C is answered where it is asked for, and not lost in a library."""

import signal
import threading

import pytest

from cvbaseline.classifiers.interruption import interrupted_at_checks

pytestmark = pytest.mark.usefixtures("ctrl_c")


def press():
    signal.raise_signal(signal.SIGINT)


def test_ctrl_c_waits_for_a_check_or_the_end():
    reached = []
    for checks in (True, False):
        with pytest.raises(KeyboardInterrupt), interrupted_at_checks() as check:
            check()
            press()
            reached.append("press")
            if checks:
                check()
            reached.append("end")
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert reached == ["press", "press", "end"]


def test_the_second_ctrl_c_does_not_wait():
    with pytest.raises(KeyboardInterrupt), interrupted_at_checks():
        press()
        press()
        pytest.fail("it waited")


def test_elsewhere_nothing_changes():
    def within():
        with interrupted_at_checks() as check:
            check()
            found.append(signal.getsignal(signal.SIGINT))

    found = []
    thread = threading.Thread(target=within)
    thread.start()
    thread.join()
    old = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as in the benchmark's processes
    try:
        within()
    finally:
        signal.signal(signal.SIGINT, old)
    assert found == [signal.default_int_handler, signal.SIG_IGN]
