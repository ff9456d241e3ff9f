"""Rendering: the system role, today's date, thoughts, parts, BOS, and templates that cannot be used."""

from __future__ import annotations

import pytest

from culturescope.errors import ModelError
from culturescope.models.chat import open_chat
from culturescope.models.letters import find_letters
from culturescope.prompts import Message, Prompt
from tests.tiny import tiny_tokenizer

PROMPT = Prompt.of("A or B?", system="Answer as a farmer.")
TURNS = "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}{% endfor %}"


def chat_of(template, family="qwen2"):
    tokenizer = tiny_tokenizer(family)
    tokenizer.chat_template = template
    return open_chat(tokenizer)


def test_a_template_that_asks_for_today_gets_the_same_day_always():
    dated = "{{ strftime_now('%Y-%m-%d|%d %B %Y|%H:%M') }} {{ date_string | default('-') }} " + TURNS
    text = chat_of(dated).text(PROMPT)
    assert text.startswith("2024-07-26|26 July 2024|00:00 26 Jul 2024 <|im_start|>system")


def test_a_template_that_knows_thoughts_is_told_to_leave_them_out():
    chat = open_chat(tiny_tokenizer("qwen3"))
    assert chat.options == {"enable_thinking": False}
    assert chat.text(PROMPT).endswith("<think>\n\n</think>\n\n")
    assert find_letters(chat).lead == ""


def test_the_empty_thought_of_an_answer_is_read_before_the_letter():
    template = (
        "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' }}"
        "{% if m['role'] == 'assistant' %}{{ '<think>\n\n</think>\n\n' }}{% endif %}"
        "{{ m['content'] + '<|im_end|>\n' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
    )
    chat = chat_of(template, "qwen3")
    place = find_letters(chat)
    assert place.lead == "<think>\n\n</think>\n\n"
    ids = place.read_ids(chat, PROMPT)
    assert chat.decode(ids).endswith("assistant\n<think>\n\n</think>\n\n")
    assert [token.text for token in place.letters] == ["A", "B"]


@pytest.mark.parametrize(
    ("extra", "end"),
    [("<think>\n", "assistant\n"), ("<think>\n\n</think>\n\n", "</think>\n\n")],
)
def test_an_open_thought_is_no_place_for_an_answer_and_a_closed_one_is(extra, end):
    chat = chat_of(
        TURNS + "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n" + extra + "' }}{% endif %}",
        "qwen3",
    )
    place = find_letters(chat)
    assert chat.decode(place.read_ids(chat, PROMPT)).endswith(end)
    assert [token.text for token in place.letters] == ["A", "B"]


def test_a_template_without_generation_prompt_is_read_where_its_answers_stand():
    place = find_letters(chat := chat_of(TURNS))
    assert place.lead == "<|im_start|>assistant\n"
    assert chat.decode(place.read_ids(chat, PROMPT)).endswith("<|im_start|>assistant\n")


def test_a_base_model_gets_a_plain_prompt():
    chat = open_chat(tiny_tokenizer("gpt2"))
    assert chat.text(PROMPT) == "Answer as a farmer.\n\nA or B?\nAnswer:"
    assert chat.text(Prompt.of("A {or} B?")) == "A {or} B?\nAnswer:"
    assert [token.text for token in find_letters(chat).letters] == [" A", " B"]


def test_earlier_answers_are_kept():
    turns = (("system", "S"), ("user", "1?"), ("assistant", "A"), ("user", "2?"))
    shots = Prompt(tuple(Message(role, text) for role, text in turns))
    assert open_chat(tiny_tokenizer("gpt2")).text(shots) == "S\n\n1?\nAnswer: A\n\n2?\nAnswer:"
    assert open_chat(tiny_tokenizer("mixtral")).text(shots) == "<s>[INST]S\n\n1?[/INST]A</s>[INST]2?[/INST]"
    assert find_letters(chat := open_chat(tiny_tokenizer("mixtral"))).read_ids(chat, shots) == chat.ids(
        chat.text(shots)
    )


def test_one_bos_whether_the_template_or_the_tokenizer_writes_it():
    for template in ("{{ bos_token }}" + TURNS, TURNS):
        chat = chat_of(template, "mistral")
        assert chat.adds_bos
        ids = chat.ids(chat.text(PROMPT))
        assert ids.count(chat.tokenizer.bos_token_id) == 1
        assert ids[0] == chat.tokenizer.bos_token_id


def test_an_eos_that_the_tokenizer_would_add_is_left_out():
    from tokenizers import processors

    tokenizer = tiny_tokenizer("mistral")
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        special_tokens=[("<s>", tokenizer.bos_token_id), ("</s>", tokenizer.eos_token_id)],
    )
    tokenizer.chat_template = None
    chat = open_chat(tokenizer)
    ids = chat.ids(chat.text(PROMPT))
    assert ids[0] == tokenizer.bos_token_id
    assert tokenizer.eos_token_id not in ids


def test_templates_that_cannot_be_used_say_why():
    with pytest.raises(ModelError, match=r"cannot be used.*no thanks"):
        chat_of("{{ raise_exception('no thanks') }}")
    with pytest.raises(ModelError, match="lacks the user's text"):
        chat_of("nothing")
    with pytest.raises(ModelError, match="several chat templates"):
        chat_of({"tools": TURNS, "rag": TURNS})
    assert chat_of({"default": TURNS, "rag": "nothing"}).template == TURNS


def test_the_hash_is_the_template_s():
    assert chat_of(TURNS).template_sha256 != chat_of(TURNS + " ").template_sha256
    assert (
        open_chat(tiny_tokenizer("gpt2")).template_sha256
        == open_chat(tiny_tokenizer("gpt_neox")).template_sha256
    )


def test_any_letters():
    chat = open_chat(tiny_tokenizer("qwen2"))
    place = find_letters(chat, ("C", "D", "1", "A"))
    assert [token.letter for token in place.letters] == ["C", "D", "1", "A"]
    assert [token.text for token in place.letters] == ["C", "D", "1", "A"]


@pytest.mark.parametrize("letters", [("A",), ("A", "A"), (), ("A", "")])
def test_letters_must_be_told_apart(letters):
    with pytest.raises(ModelError, match="at least two different"):
        find_letters(open_chat(tiny_tokenizer("qwen2")), letters)


@pytest.mark.parametrize("letters", [("Yes!", "Nope"), ("北", "京"), ("AA", "A")])
def test_letters_that_are_not_single_tokens_are_refused(letters):
    with pytest.raises(ModelError, match="single token"):
        find_letters(open_chat(tiny_tokenizer("qwen2")), letters)


def test_a_letter_that_melts_into_its_prompt_is_refused_not_misread():
    chat = chat_of(TURNS + "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}")
    place = find_letters(chat)
    moved = type(place)(place.letters, place.lead, place.closes, place.tail[:-1])
    with pytest.raises(ModelError, match="not a token of its own"):
        moved.read_ids(chat, PROMPT)
