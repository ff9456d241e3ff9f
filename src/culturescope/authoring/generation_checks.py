"""From a draft to a candidate: the schema, the linter's rules for single scenarios, and repeats."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np
from pydantic import ValidationError

from culturescope.authoring import form_rules, word_rules
from culturescope.authoring.embeddings import MAX_COSINE, Encode, Vectors
from culturescope.authoring.findings import Finding
from culturescope.authoring.form_rules import SHARED_RUNS_ERROR
from culturescope.authoring.generation_plan import HASH_DIGITS, Wanted
from culturescope.authoring.pool import Candidate, Reject
from culturescope.authoring.teacher import Draft
from culturescope.authoring.texts import options, runs, words
from culturescope.authoring.words import Lexicon, lexicon
from culturescope.instrument import Pack, Scenario, split_of
from culturescope.runs.keys import digest

FORM: tuple[Callable[[Sequence[Scenario]], list[Finding]], ...] = (
    form_rules.situation_length,
    form_rules.option_length,
    form_rules.option_gap,
    form_rules.one_sentence,
)
WORDING: tuple[Callable[[Sequence[Scenario], Lexicon], list[Finding]], ...] = (
    word_rules.value_words,
    word_rules.toxic_words,
    word_rules.loaded_words,
    word_rules.names_of_places,
)
JOINERS = "\u200c\u200d"  # scripts of Iran and India need them


def single_findings(scenario: Scenario, pack: Pack) -> list[Finding]:
    """What the linter's rules for single scenarios say of one."""
    found = [finding for rule in FORM for finding in rule([scenario])]
    lists = lexicon(pack.language)
    if lists:
        found += [finding for rule in WORDING for finding in rule([scenario], lists)]
        religious = word_rules.religious_items(pack.items)
        found += word_rules.names_of_religions([scenario], lists, religious)
        found += word_rules.easy_to_read([scenario])
    return found


class Checker:
    """Takes drafts in turn; each is also held against the pack and against the candidates before it.

    Args:
        pack: gives items, language, and the scenarios that are not to be repeated.
        encode: sentence encoder; without one, repeats are found by their words alone.
        items: ids of the items that drafts will be for; None for all.
    """

    def __init__(self, pack: Pack, encode: Encode | None = None, items: Sequence[str] | None = None) -> None:
        self._pack = pack
        self._encode = encode
        self._runs: dict[str, list[tuple[str, set[tuple[str, ...]]]]] = defaultdict(list)
        self._situations: dict[tuple[str, ...], str] = {}
        self._vectors: dict[str, list[tuple[str, Vectors]]] = defaultdict(list)
        known = [s for s in pack.scenarios if items is None or s.item in items]
        vectors = encode([s.situation for s in known]) if encode and known else None
        for n, scenario in enumerate(known):
            self._remember(scenario, None if vectors is None else vectors[n])

    def check(self, wanted: Wanted, draft: Draft) -> Candidate | Reject:
        """A candidate, or the first reasons why it is none."""
        text = draft.model_dump_json()
        try:
            scenario = to_scenario(wanted, draft)
        except ValueError as error:
            return Reject(wanted.id, "rules", str(error), text)
        found = single_findings(scenario, self._pack)
        errors = [f"{f.rule}: {f.message}" for f in found if f.level == "error"]
        if errors:
            return Reject(wanted.id, "rules", "; ".join(errors), text)
        vector = self._encode([scenario.situation])[0] if self._encode else None
        repeat = self._repeat(scenario, vector)
        if repeat:
            return Reject(wanted.id, "repeat", repeat, text)
        scenario = scenario.model_copy(update={"id": candidate_id(wanted, scenario)})
        self._remember(scenario, vector)
        return Candidate(scenario, tuple(f"{f.rule}: {f.message}" for f in found if f.level != "error"))

    def _repeat(self, scenario: Scenario, vector: Vectors | None) -> str:
        same = self._situations.get(tuple(words(scenario.situation)))
        if same:
            return f"the same situation as {same}"
        mine = runs((scenario.situation, *options(scenario)))
        for other, theirs in self._runs[scenario.item]:
            share = len(mine & theirs) / max(1, min(len(mine), len(theirs)))
            if share >= SHARED_RUNS_ERROR:
                return f"{share:.0%} of its runs of five words are those of {other}"
        if vector is not None:
            for other, known in self._vectors[scenario.item]:
                cosine = float(np.dot(vector, known))
                if cosine >= MAX_COSINE:
                    return f"nearly the same in meaning as {other} (cosine {cosine:.2f})"
        return ""

    def _remember(self, scenario: Scenario, vector: Vectors | None) -> None:
        self._situations.setdefault(tuple(words(scenario.situation)), scenario.id)
        shown = (scenario.situation, *options(scenario))
        self._runs[scenario.item].append((scenario.id, runs(shown)))
        if vector is not None:
            self._vectors[scenario.item].append((scenario.id, vector))


def candidate_id(wanted: Wanted, scenario: Scenario) -> str:
    """Name of a candidate: its place in the plan and a hash of its text, so that another text has another name."""
    shown = digest([scenario.situation, scenario.positive, scenario.negative])
    return f"{wanted.id}-{shown[:HASH_DIGITS]}"


def to_scenario(wanted: Wanted, draft: Draft) -> Scenario:
    """The scenario of a draft, spaces made single; its split is that of its number within the pool.

    Raises:
        ValueError: control characters, a text without words, or twice the same option.
    """
    plain = {name: " ".join(str(value).split()) for name, value in draft.model_dump().items()}
    for name, value in plain.items():
        odd = next((c for c in value if not c.isprintable() and c not in JOINERS), None)
        if odd is not None:
            raise ValueError(f"{name} holds the control character U+{ord(odd):04X}")
    silent = next((name for name in ("situation", "positive", "negative") if not words(plain[name])), None)
    if silent:
        raise ValueError(f"{silent} holds no word")
    if words(plain["positive"]) == words(plain["negative"]):
        raise ValueError("both options are the same")
    try:
        return Scenario.model_validate(
            {
                "id": wanted.id,
                "item": wanted.item,
                "domain": wanted.domain,
                "split": split_of(wanted.item, wanted.domain, wanted.number),
                "situation": plain["situation"],
                "positive": plain["positive"],
                "negative": plain["negative"],
                "note": plain["note"],
                "tags": {"topic": plain["topic"], "setting": plain["setting"]},
            }
        )
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise ValueError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
