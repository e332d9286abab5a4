from __future__ import annotations

from workers.errors import UsernameTaken, WorkersError


def test_the_docstring_is_the_message_unless_there_is_a_better_one():
    assert str(UsernameTaken()) == UsernameTaken.__doc__
    assert str(WorkersError("a better one")) == "a better one"
