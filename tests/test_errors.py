import pickle

from hwgen.errors import HwgenError


def test_message_is_where_wanted_got() -> None:
    error = HwgenError("a.yaml:3: frame.width", "an integer", "'wide'")
    assert str(error) == "a.yaml:3: frame.width: wanted an integer, got 'wide'"
    assert (error.where, error.wanted, error.got) == ("a.yaml:3: frame.width", "an integer", "'wide'")


def test_message_is_one_line() -> None:
    assert str(HwgenError("x", "a\n  b", "c\td\r\n")) == "x: wanted a b, got c d"


def test_survives_a_process_boundary() -> None:
    error = pickle.loads(pickle.dumps(HwgenError("x", "a", "b")))
    assert str(error) == "x: wanted a, got b"
