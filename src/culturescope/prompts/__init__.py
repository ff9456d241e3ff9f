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

__all__ = [
    "ORDERS",
    "Message",
    "Order",
    "Persona",
    "Prompt",
    "Role",
    "Template",
    "all_templates",
    "check_personas",
    "dilemma",
    "templates",
]
