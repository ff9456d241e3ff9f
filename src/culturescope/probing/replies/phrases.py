"""Phrases of a plain reply that are no number: refusals, hedges, changes of mind, statements of an answer."""

from __future__ import annotations

import re


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{p})" for p in patterns))


_I = r"\bi(?:'m| am)\b"
_NOT = (
    r"(?:do not|don't|cannot|can't|can not|am not able to|'m not able to|am unable to|'m unable to|won't|will not|"
    r"must decline to)"
)
_DO = r"(?:answer|provide|give|offer|express|share|assist|help|rate|take|respond|comment|discuss|engage|choose|say)"
_HELD = (
    r"(?:personal|own|feelings?|emotions?|beliefs?|opinions?|views?|experiences?|preferences?|nationality|country|nation|"
    r"body|consciousness|religion|religious|faith|life|lives|happiness|capacity|ability|children|stance)"
)
REFUSED = _any(
    r"\bas an? (?:\w+ )?(?:ai|a\.i\.|artificial|language|large|llm|chatbot|assistant|machine|virtual|computer|model)\b",
    rf"{_I} (?:just |only |merely )?an? (?:\w+ )?(?:ai|artificial|language|large|llm|chatbot|assistant|machine|computer)\b",
    r"\bbeing an? (?:ai|artificial|language)\b",
    rf"\bi (?:do not|don't|lack|cannot|can't|could not) (?:really |actually )?"
    rf"(?:have|hold|possess|experience|feel|form|practi[sc]e|any|personal)?[\w\s,']{{0,30}}\b{_HELD}\b",
    rf"\bi {_NOT} (?:\w+ ){{0,3}}?{_DO}\b",
    rf"{_I} (?:\w+ )?(?:unable|not able|not in a position|not capable|not comfortable|not allowed|not supposed)\b",
    r"\bi (?:must|have to|need to) (?:decline|refrain|abstain)\b|\bi decline\b|\bi refuse\b|\bi abstain\b",
    r"\b(?:would |'d )?(?:prefer|rather) not (?:to )?(?:answer|say|respond|rate|choose|comment|share|put|give|pick)\b",
    r"\bi have no (?:\w+ )?(?:opinion|view|stance|belief|nationality|country|feelings?|preference)\b",
    r"^no (?:comment|opinion|answer)\b",
    r"\bi (?:do not|don't) (?:really )?know\b|^(?:n/?a|none|unknown|not applicable|no response|null answer)\W*$",
    rf"{_I} (?:not sure|unsure|not a (?:person|human)|programmed)\b|\bhave no (?:country|nation|religion)\b",
    r"\bnot within my\b|\bbeyond my (?:\w+ )?(?:ability|capabilities|scope)\b|\bit(?:'s| is) not (?:appropriate|my place)\b",
    r"\bsorry,? (?:but )?i\b.{0,20}\b(?:can't|cannot|unable)\b",
    r"\bremain neutral on\b|\bstrive to (?:be|remain) (?:neutral|impartial|objective)\b",
)
UNDECIDED = _any(
    r"\bit (?:really |all )?depends\b|\bdepends on\b|\bdepending on\b",
    r"\b(?:hard|difficult|impossible|tricky) to (?:say|tell|answer|judge|choose|single)\b",
    r"\bno (?:simple|easy|single|clear|right|one) (?:answer|response|number)\b",
    r"\b(?:complex|complicated|nuanced|controversial|sensitive|personal) (?:and \w+ )?"
    r"(?:issue|topic|question|matter|subject)\b",
    r"\byes and no\b|\bboth (?:are|of them|options|statements|sides)\b|\ball (?:\w+ )?(?:are|of them|of these|goals)\b",
)
BOTH = re.compile(r"\byes and no\b|^both\b|\bboth (?:are|of them|statements)\b")
MIDDLE = _any(
    r"\b(?:in|at|near|around|towards?) the (?:very |exact |dead )?(?:middle|mid-?point|cent(?:er|re))\b",
    r"\b(?:somewhere|right|falls?|fall|am|i'm|be|lies?|sits?) in[- ]?between\b|^in[- ]?between\b",
    r"\bhalf-?way\b|\bmid-?(?:point|range|way|scale)\b|\bmiddle of the (?:scale|road)\b|^(?:the )?middle\W*$",
    r"^neutral\b|\b(?:i am|i'm|i feel|my (?:answer|view|stance|position) is|be|stay) (?:\w+ )?neutral\b",
)
CHANGED = re.compile(
    r"\b(?:actually|no,? wait|wait,? no|wait\b|on (?:second thought|second thoughts|reflection)|"
    r"let me (?:revise|correct|reconsider|rethink|change)"
    r"|but now|scratch that|correction|i take that back|make that|i changed? my (?:mind|answer)|edit:)|[?.]\s*no,\s"
)
_VERB = (
    r"(?:say|choose|pick|rate|give|select|go with|go for|assign|answer|put|place|lean|opt for|vote|respond with|score|settle on"
    r"|guess|estimate|think)"
)
STATED = re.compile(
    r"(?:\b(?:final |my |the |overall )*(?:answer|rating|response|score|choice|number|pick|vote|selection|option|value)"
    r"\b(?: here| to this| i'd assign| i would give)?\s*(?:is|would be|will be|should be|of|:|=)?\s*:?\s*"
    rf"|\bi(?:'d| would| will|'ll| shall)?(?: have to| probably| likely| now| personally| still| rather)* {_VERB}\b"
    r"(?: that| it| this| homosexuality| abortion| god)?"
    r"(?: at| as| to| towards?| about| around| for| with| option| number| a| an| the| is| it)*\s*:?\s*"
    r"|\bso,?\s+(?:it's |i'm at )?|\bit(?:'s| is| would be) an?\s+|\b(?:therefore|thus|hence)\W+(?:\w+\s+){0,3}?)"
    r"[\"'(\[]*$"
)
"""What stands right before a number or a label that is meant as the answer."""

OTHERS = re.compile(
    r"\b(?:average|people|persons?|some|others|many|most|society|societies|they|he|she|believers|christians)\b"
)
"""Who else a number may be of, in the sentence before it."""

NEGATION = re.compile(
    r"\b(?:not|never|isn't|wasn't|don't|doesn't|didn't|wouldn't|won't|can't|cannot|nor|neither|hardly|without)"
    r"(?:\s+(?:be|a|an|the|think|believe|say|feel|agree|that|always|really|it|is|would|to|of|all|necessarily|one|i)){0,5}\s*$"
)


def statement_end(text: str) -> bool:
    """Whether an answer is announced by the end of a text."""
    return STATED.search(text[-90:]) is not None


def after_change(text: str) -> str | None:
    """What follows the last change of mind, where there is one and something follows."""
    last = next(iter(reversed(list(CHANGED.finditer(text)))), None)
    if last is None or not last.start():
        return None
    rest = text[last.end() :].strip(" ,.:;-")
    return rest or None
