"""Every text that a model reads: dilemma templates and personas. Text in, text out; no torch."""

from culturescope.prompts.dilemma import (
    ORDERS,
    Order,
    Persona,
    Template,
    all_templates,
    check_personas,
    dilemma,
    templates,
)
from culturescope.prompts.prompt import Message, Prompt, Role
from culturescope.prompts.societies import answer_words, given_name_of, personas_for

__all__ = [
    "ORDERS",
    "Message",
    "Order",
    "Persona",
    "Prompt",
    "Role",
    "Template",
    "all_templates",
    "answer_words",
    "check_personas",
    "dilemma",
    "given_name_of",
    "personas_for",
    "templates",
]
