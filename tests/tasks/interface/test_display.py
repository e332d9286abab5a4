"""What is shown of a task's input."""

from __future__ import annotations

import pytest

from tasks.errors import InvalidInterface
from tasks.interface import Display, parse

LABEL = {"type": "choice", "name": "label", "options": ["cat", "dog"]}
CHAT = Display("chat", "${talk}")


def test_a_chat_is_one_field_that_holds_messages():
    said = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi", "n": 1}]

    assert parse([{"type": "chat", "value": "${talk}"}, LABEL]).elements[0] == CHAT
    assert CHAT.fields == ("talk",)
    assert CHAT.messages({"talk": said}) == [("user", "Hello"), ("assistant", "Hi")]


@pytest.mark.parametrize("said", [None, "Hello", {"role": "user"}, [{"role": "user"}, "Hello"]])
def test_what_is_no_message_is_not_shown(said):
    assert CHAT.messages({"talk": said}) == []
    assert CHAT.messages({}) == []


@pytest.mark.parametrize("value", ["talk", "a ${talk}", "${a}${b}"])
def test_a_chat_with_anything_beside_its_field_is_refused(value):
    with pytest.raises(InvalidInterface, match=r'"value" must be one field, such as "\${field}"'):
        parse([{"type": "chat", "value": value}, LABEL])
