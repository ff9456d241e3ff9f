"""Free replies to survey questions: what a reply says, or why it says nothing."""

from culturescope.probing.replies.reader import CATEGORIES, READER, Category, Reply, read_reply

__all__ = ["CATEGORIES", "READER", "Category", "Reply", "read_reply"]
