"""People: societies, item means, the projection to the map, and where a model may be drawn on it."""

from culturescope.people.conversion import calibrate, conversion_of
from culturescope.people.placement import Calibration, Conversion, Nearest, Placement
from culturescope.people.placing import nulls, place
from culturescope.people.profile import ProfileAnswer, SocietyProfile, profile_of
from culturescope.people.projection import Projection, fit_projection
from culturescope.people.tables import ItemMeans, People, Society, load_people, society
from culturescope.people.words import calibration_words, describe

__all__ = [
    "Calibration",
    "Conversion",
    "ItemMeans",
    "Nearest",
    "People",
    "Placement",
    "ProfileAnswer",
    "Projection",
    "Society",
    "SocietyProfile",
    "calibrate",
    "calibration_words",
    "conversion_of",
    "describe",
    "fit_projection",
    "load_people",
    "nulls",
    "place",
    "profile_of",
    "society",
]
