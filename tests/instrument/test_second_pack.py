"""The second packaged pack, Individualism-Collectivism: whole, balanced, with personas of its own and without societies."""

from collections import Counter

import pytest

from culturescope.instrument import load_pack, packaged_packs, select, split_of
from culturescope.prompts import check_personas

PACK = load_pack("individualism-collectivism")


def test_it_is_one_axis_of_five_items_and_sixty_scenarios():
    assert [(a.id, a.negative, a.positive) for a in PACK.axes] == [("I", "Collectivism", "Individualism")]
    assert PACK.item_ids == ("I01", "I02", "I03", "I04", "I05")
    assert Counter((s.item, s.domain) for s in PACK.scenarios) == {
        (i, d): 4 for i in PACK.item_ids for d in ("family", "workplace", "legal")
    }
    assert PACK.societies is None
    assert PACK.licence == "CC-BY-4.0"


def test_ids_and_splits_are_final():
    for s in PACK.scenarios:
        item, domain, number = s.id.split("-")
        assert (item, domain) == (s.item, s.domain)
        assert s.split == split_of(item, domain, int(number))
    assert set(Counter((s.item, s.domain, s.split) for s in PACK.scenarios).values()) == {2}


def test_length_does_not_tell_the_pole():
    for item in PACK.item_ids:
        for split in ("evaluate", "optimise"):
            gaps = [
                len(s.positive.split()) - len(s.negative.split())
                for s in select(PACK, items=[item], split=split)
            ]
            assert sum(g > 0 for g in gaps) == sum(g < 0 for g in gaps) == 3, (item, split)


@pytest.mark.parametrize("name", packaged_packs())
def test_personas_are_of_similar_length(name):
    personas = check_personas(load_pack(name))
    assert Counter(p.kind for p in personas) == {"positive": 3, "negative": 3, "neutral": 6}
    lengths = [len(p.text) for p in personas]
    assert max(lengths) < 1.2 * min(lengths)


def test_value_free_personas_say_nothing_of_person_and_group():
    words = [
        "famil",
        "team",
        "alone",
        "together",
        "own",
        "group",
        "neighbour",
        "colleague",
        "relative",
        "advice",
        "help",
        "friend",
        "myself",
        "wife",
        "husband",
        "share",
        "everyone",
        "nobody",
        "decide",
        "themselves",
        "praise",
        "people",
        "mind",
        "peace",
    ]
    for p in PACK.personas:
        if p.kind == "neutral":
            text = p.text.replace("Decide everything exactly as this person would.", "")
            found = [w for w in words if any(t.startswith(w) for t in text.lower().replace(",", " ").split())]
            assert found == [], p.id


def test_packs_share_no_text():
    texts = [
        text
        for name in packaged_packs()
        for pack in [load_pack(name)]
        for text in (*(s.situation for s in pack.scenarios), *(p.text for p in pack.personas))
    ]
    assert len(set(texts)) == len(texts)
