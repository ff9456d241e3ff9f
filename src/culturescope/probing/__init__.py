"""From letters to values: tasks, scores, positions with intervals, the instrument check and its verdict."""
