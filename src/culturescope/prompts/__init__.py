"""Every text that a model reads: dilemma templates and personas. Text in, text out; no torch."""

from culturescope.prompts.prompt import Message, Prompt, Role

__all__ = ["Message", "Prompt", "Role"]
