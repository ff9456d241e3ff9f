"""People: societies, item means, the projection to the map, and where a model may be drawn on it."""
