"""The official procedure: against R's psych, on planted respondents, in chunks and whole."""

import hashlib

import numpy as np
import pytest

from culturescope.errors import BadInputError
from culturescope.people import load_people, society
from culturescope.people.moments import VARIABLES, PairwiseMoments
from culturescope.people.official import (
    VARIANTS,
    OfficialPosition,
    official_projection,
    one_series,
    published_projection,
    reproduction,
    variant_societies,
)
from culturescope.people.tables import DATA

PLANTED = np.array(
    # x, y of A008 A165 E018 E025 F063, F118 F120 G006 Y002 Y003
    [
        *([-0.55, 0.2], [-0.5, 0.05], [0.05, 0.55], [-0.6, -0.1], [-0.25, -0.7]),
        *([0.7, 0.25], [0.45, 0.55], [0.1, 0.6], [0.6, 0.05], [0.25, 0.6]),
    ]
)
LOW = np.array([1.0, 1, 1, 1, 1, 1, 1, 1, 1, -2])
HIGH = np.array([4.0, 2, 3, 3, 10, 10, 10, 4, 3, 2])


def respondents(n, seed, *, missing=0.1, shift=(0.0, 0.0)):
    """Answers (n x 10) and weights (n); RandomState gives the same numbers in every version of numpy."""
    rng = np.random.RandomState(seed)
    own = np.sqrt(1 - (PLANTED**2).sum(axis=1))
    z = (rng.standard_normal((n, 2)) + shift) @ PLANTED.T + rng.standard_normal((n, 10)) * own
    answers = np.clip(np.round(LOW + (HIGH - LOW) * (0.5 + z / 5), 3), LOW, HIGH)
    weights = np.round(rng.uniform(0.2, 3, n), 3)
    answers[rng.uniform(size=answers.shape) < missing] = np.nan
    return answers, weights


def fitted(answers, weights=None, **options):
    return official_projection(PairwiseMoments().add(answers, weights), **options)


R_PLAIN = [
    [-0.72879386858, 0.1897669563, -0.35912551798, 0.14517952073],
    [-0.69531303096, 0.1333114497, -0.33770173591, 0.12090508638],
    [-0.14601852931, 0.7003851768, -0.14029537583, 0.27335715123],
    [-0.63585072916, -0.2465624157, -0.27080309244, -0.02532171213],
    [-0.08577005824, -0.7476221344, 0.03717881208, -0.26686161417],
    [0.60046729016, 0.4669613758, 0.23157731549, 0.11025222815],
    [0.24862458792, 0.7122328796, 0.04234664852, 0.23700739509],
    [-0.01895451317, 0.6495882677, -0.07585498561, 0.24151367139],
    [0.61559348533, 0.2715627018, 0.25878571837, 0.03663155362],
    [0.19718761760, 0.7110768295, 0.01850141402, 0.24188829285],
]
R_WEIGHTED = [
    [-0.733415456174, 0.1787083959, -0.36045830538, 0.13647480709],
    [-0.699529666118, 0.1316285288, -0.34016694912, 0.11544817366],
    [-0.185501215031, 0.6996350644, -0.15248174839, 0.28267022802],
    [-0.647347570190, -0.2169846101, -0.28305137452, -0.02162952452],
    [-0.060370361907, -0.7307820531, 0.04017190239, -0.27144582112],
    [0.564006109776, 0.4572701401, 0.22148179012, 0.12055021613],
    [0.266693868476, 0.7042763857, 0.05900499406, 0.24206550800],
    [0.006210637728, 0.6166352710, -0.05485986957, 0.23323709687],
    [0.582964283331, 0.2537642977, 0.24943233228, 0.04160769079],
    [0.176589512795, 0.7103845849, 0.01620526206, 0.25282322132],
]


def test_it_is_what_r_psych_gives():
    """Loadings, score weights and scores of R 4.2.2 with psych 2.2.9, on `respondents(400, 7)` written as planted.csv.

    library(psych)
    d <- as.matrix(read.csv("planted.csv")); x <- d[, 1:10]; w <- d[, 11]
    plain <- principal(x, nfactors = 2, rotate = "varimax", use = "pairwise", eps = 1e-15)
    R <- diag(10); dimnames(R) <- list(colnames(x), colnames(x))
    for (i in 1:9) for (j in (i + 1):10) { k <- complete.cases(x[, c(i, j)])
      R[i, j] <- R[j, i] <- cov.wt(x[k, c(i, j)], w[k] / sum(w[k]), cor = TRUE, method = "ML")$cor[1, 2] }
    fit <- principal(R, nfactors = 2, rotate = "varimax", eps = 1e-15)
    m <- sapply(1:10, function(i) weighted.mean(x[, i], w, na.rm = TRUE))
    s <- sapply(1:10, function(i) sqrt(weighted.mean((x[, i] - m[i])^2, w, na.rm = TRUE)))
    f <- scale(x, m, s) %*% fit$weights; full <- complete.cases(x)
    print(cbind(unclass(plain$loadings), plain$weights)); print(cbind(unclass(fit$loadings), fit$weights))
    print(fit$values); print(sum(full)); print(head(f[full, ], 3)); print(apply(f[full, ], 2, weighted.mean, w[full]))
    print(cor.wt(x[full, ], w = w[full])$r[1, ])

    Its own `weight` is not used with missing answers: cor.wt then divides by the weight of all respondents. Its second
    component is x, with the sign turned.
    """
    answers, weights = respondents(400, 7)
    plain = fitted(answers)
    assert np.abs(np.hstack([plain.loadings, plain.weights]) - R_PLAIN).max() < 1e-5
    cell = PairwiseMoments().add(answers, weights)
    found = official_projection(cell)
    assert np.abs(np.hstack([found.loadings, found.weights]) - R_WEIGHTED).max() < 1e-5
    assert found.eigenvalues[[0, 1, 9]] == pytest.approx([3.1240256240, 1.8948863713, 0.4481482624], abs=1e-5)

    scores = found.scores(answers)
    whole = ~np.isnan(scores).any(axis=1)
    assert whole.sum() == cell.complete == 131
    expected = np.array(
        [[0.10899225601, 0.5678779394], [1.53703067481, 1.6856743090], [0.08888192612, 0.2812232687]]
    ) * [1.81, 1.61] + [0.038, -0.1]
    assert np.abs(scores[whole][:3] - expected).max() < 1e-5
    place = found.position(cell)
    assert place.x == pytest.approx(1.81 * -0.01105556895 + 0.038, abs=1e-5)
    assert place.y == pytest.approx(1.61 * 0.04463037679 - 0.1, abs=1e-5)

    no_gaps = PairwiseMoments().add(answers[whole], weights[whole]).correlation()
    assert no_gaps[0, 1:4] == pytest.approx([0.47643659871, 0.06687020896, 0.32936910386], abs=1e-9)


@pytest.fixture(scope="module")
def many():
    answers, weights = respondents(20_000, 1)
    return answers, weights, PairwiseMoments().add(answers, weights)


def test_planted_loadings_are_recovered(many):
    found = official_projection(many[2])
    # Components are not factors (their loadings are larger), but the direction of each item's loadings is planted.
    for row, planted in zip(found.loadings, PLANTED, strict=True):
        assert row @ planted / np.linalg.norm(row) / np.linalg.norm(planted) > 0.97
    assert found.respondents == 20_000


def test_loadings_known_by_algebra_are_recovered():
    """Five items an axis, each correlated by 0.36 in size with the others of its axis: components load sqrt((1 + 4 * 0.36) / 5)."""
    rng = np.random.RandomState(5)
    load = np.where(np.abs(PLANTED) == np.abs(PLANTED).max(axis=1, keepdims=True), np.sign(PLANTED) * 0.6, 0)
    load[6] = [0, 0.6]
    z = rng.standard_normal((40_000, 2)) @ load.T + rng.standard_normal((40_000, 10)) * 0.8
    answers = LOW + (HIGH - LOW) * (0.5 + z / 12)
    answers[rng.uniform(size=answers.shape) < 0.1] = np.nan
    found = fitted(answers)
    assert found.loadings == pytest.approx(load / 0.6 * np.sqrt((1 + 4 * 0.36) / 5), abs=0.02)


def test_pairwise_correlations_are_the_plain_definition(many):
    answers, weights, cell = many
    found = cell.correlation()
    for i, j in [(0, 5), (4, 9), (2, 3)]:
        both = ~np.isnan(answers[:, [i, j]]).any(axis=1)
        covariance = np.cov(answers[both][:, [i, j]].T, aweights=weights[both], ddof=0)
        assert found[i, j] == pytest.approx(
            covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1]), abs=1e-11
        )
    one = ~np.isnan(answers[:, 3])
    assert cell.means[3] == pytest.approx(np.average(answers[one, 3], weights=weights[one]))
    assert cell.sds[3] == pytest.approx(np.sqrt(np.cov(answers[one, 3], aweights=weights[one], ddof=0)))


def test_chunks_and_cells_give_what_the_whole_file_gives(many):
    answers, weights, whole = many
    parts = [PairwiseMoments() for _ in range(3)]
    for n, start in enumerate(range(0, 20_000, 777)):
        parts[n % 3].add(answers[start : start + 777], weights[start : start + 777])
    joined = parts[0].merge(parts[1]).merge(parts[2])
    for name, value in vars(whole).items():
        assert np.allclose(getattr(joined, name), value, rtol=1e-12), name
    assert parts[0].respondents < whole.respondents
    assert np.abs(official_projection(joined).weights - official_projection(whole).weights).max() < 1e-12


def test_mean_of_scores_is_the_score_of_means_over_complete_cases(many):
    answers, weights, whole = many
    projection = official_projection(whole)
    part = slice(0, 3000)
    cell = PairwiseMoments().add(answers[part], weights[part])
    scores = projection.scores(answers[part])
    kept = ~np.isnan(scores).any(axis=1)
    w = weights[part][kept]
    place = projection.position(cell)
    assert (place.x, place.y) == pytest.approx(tuple(np.average(scores[kept], axis=0, weights=w)), abs=1e-10)
    # The easy wrong version takes the means of all who answered an item.
    wrong = projection.scores(cell.means[None])[0]
    assert np.abs(wrong - [place.x, place.y]).max() > 1e-3
    effective = w.sum() ** 2 / (w @ w)
    assert place.effective == pytest.approx(effective)
    spread = np.average((scores[kept] - [place.x, place.y]) ** 2, axis=0, weights=w)
    assert (place.se_x, place.se_y) == pytest.approx(tuple(np.sqrt(spread / (effective - 1))), rel=1e-9)
    assert place.complete == kept.sum()


def test_scores_of_all_respondents_have_the_official_scale():
    answers, weights = respondents(5000, 2, missing=0)
    projection = fitted(answers, weights)
    scores = projection.scores(answers)
    assert np.average(scores, axis=0, weights=weights) == pytest.approx([0.038, -0.1], abs=1e-9)
    assert np.cov(scores.T, aweights=weights, ddof=0) == pytest.approx(np.diag([1.81**2, 1.61**2]), abs=1e-9)


def test_planted_societies_lie_where_they_were_planted():
    places = {"secular": (0, 1.5), "open": (1.5, 0), "both": (1, 1), "neither": (-1, -1)}
    cells = {
        k: PairwiseMoments().add(*respondents(4000, n, shift=v)) for n, (k, v) in enumerate(places.items())
    }
    total = PairwiseMoments()
    for cell in cells.values():
        total = total.merge(cell)
    projection = official_projection(total)
    found = {k: projection.position(c) for k, c in cells.items()}
    x = np.corrcoef([found[k].x for k in places], [v[0] for v in places.values()])[0, 1]
    y = np.corrcoef([found[k].y for k in places], [v[1] for v in places.values()])[0, 1]
    assert min(x, y) > 0.98


def test_scores_do_not_depend_on_the_size_of_weights(many):
    answers, weights, whole = many
    one, ten = official_projection(whole), fitted(answers, weights * 10)
    assert one.weights == pytest.approx(ten.weights, abs=1e-12)
    assert fitted(answers).weights != pytest.approx(one.weights, abs=1e-6)


def test_missing_and_zero_weights_leave_respondents_out():
    answers, weights = respondents(500, 3)
    weights[:50], weights[50:80] = np.nan, 0
    cell = PairwiseMoments().add(answers, weights)
    assert (cell.respondents, cell.unweighted) == (420, 80)
    assert np.allclose(cell.product, PairwiseMoments().add(answers[80:], weights[80:]).product)


@pytest.mark.parametrize(
    ("column", "code", "text"),
    [
        (9, -5, "Y003: -5"),
        (7, 5, "G006: 5 lies outside of its codes 1 to 4"),
        (0, -1, "A008: -1"),
        (1, np.inf, "infinite"),
    ],
)
def test_missing_codes_that_slipped_through_are_named(column, code, text):
    answers, weights = respondents(50, 4)
    answers[7, column] = code
    cell = PairwiseMoments()
    with pytest.raises(BadInputError, match=text):
        cell.add(answers, weights)
    assert cell.respondents == 0
    assert not cell.product.any()


def test_bad_chunks():
    answers, weights = respondents(50, 5)
    with pytest.raises(BadInputError, match="ten items"):
        PairwiseMoments().add(answers[:, :9], weights)
    with pytest.raises(BadInputError, match="50 respondents"):
        PairwiseMoments().add(answers, weights[:9])
    with pytest.raises(BadInputError, match="negative"):
        PairwiseMoments().add(answers, -weights)


def test_an_item_that_nobody_answered_is_named():
    answers, weights = respondents(500, 6)
    answers[:, 5] = np.nan
    cell = PairwiseMoments().add(answers, weights)
    with pytest.raises(BadInputError, match=r"nobody .* F118; the official map needs all ten items"):
        official_projection(cell)
    assert np.isnan(cell.means[5])
    with pytest.raises(BadInputError, match="country-level fit"):
        fitted(respondents(500, 6)[0]).position(cell)
    answers, weights = respondents(500, 6)
    answers[::2, 5], answers[1::2, 6] = np.nan, np.nan
    with pytest.raises(BadInputError, match="both of F120 and F118"):
        fitted(answers, weights)
    with pytest.raises(BadInputError, match="nobody"):
        official_projection(PairwiseMoments())


def test_an_item_with_one_answer_is_named():
    answers, weights = respondents(500, 6)
    answers[:, 2] = 2.1
    with pytest.raises(BadInputError, match="never differs: E018"):
        fitted(answers, weights)


def test_a_pairwise_matrix_that_is_not_positive_definite_is_an_error():
    rng = np.random.RandomState(0)
    answers = np.full((900, 10), np.nan)
    z = rng.standard_normal(900)
    # Three groups answer one pair each: the correlations +1, +1 and -1 cannot be those of one people.
    for n, (i, j, sign) in enumerate([(0, 1, 1), (1, 2, 1), (0, 2, -1)]):
        rows = slice(300 * n, 300 * n + 300)
        answers[rows, i], answers[rows, j] = z[rows], sign * z[rows]
    answers = np.clip((LOW + HIGH) / 2 + answers * (HIGH - LOW) / 10, LOW, HIGH)
    whole, _ = respondents(30, 9, missing=0)
    with pytest.raises(BadInputError, match="not positive definite"):
        fitted(np.vstack([answers, whole]))


def test_twin_items_are_an_error():
    answers, weights = respondents(500, 6, missing=0)
    answers[:, 5] = answers[:, 6]
    with pytest.raises(BadInputError, match="singular"):
        fitted(answers, weights)


def test_an_item_coded_the_wrong_way_round_is_found():
    answers, weights = respondents(2000, 6)
    answers[:, 4] = 11 - answers[:, 4]
    with pytest.raises(BadInputError, match=r"Y axis cannot be turned.*F063 -0\.\d+ and E018 \+0\."):
        fitted(answers, weights)


def test_respondents_without_the_structure_of_the_map_are_refused():
    rng = np.random.RandomState(1)
    mixed = rng.standard_normal((3000, 2)) @ np.array([[0.8] * 10, [0.8, -0.8] * 5])
    answers = np.clip(LOW + (HIGH - LOW) * (0.5 + (mixed + rng.standard_normal((3000, 10))) / 9), LOW, HIGH)
    with pytest.raises(BadInputError, match=r"cannot be (told apart|turned)"):
        fitted(answers)


def test_variants_shift_the_same_scores():
    answers, weights = respondents(800, 6)
    official, tao = fitted(answers, weights), fitted(answers, weights, variant="tao2024")
    whole = ~np.isnan(answers).any(axis=1)
    assert tao.scores(answers)[whole] - official.scores(answers)[whole] == pytest.approx(
        np.broadcast_to([0.342, 0.09], (whole.sum(), 2)), abs=1e-12
    )
    assert (official.series, tao.series) == ("refit-official", "refit-tao2024")
    with pytest.raises(BadInputError, match="official, tao2024"):
        fitted(answers, weights, variant="tao")


def test_official_constants_are_those_of_the_tables():
    rescaling = load_people().rescaling
    assert (VARIANTS["official"].x, VARIANTS["official"].y) == (rescaling["x"], rescaling["y"])


def test_published_variant_lies_near_its_own_positions():
    people, projection = load_people(), published_projection("tao2024")
    by_variable = {i.variable: i.id for i in people.items}
    places = {s.code: (s.x, s.y) for s in variant_societies("tao2024")}
    assert len(places) == 107
    assert places["DNK"] == (3.3578, 0.0364)
    both = [m for m in people.complete() if m.code in places]
    found = projection.scores([[m.means[by_variable[v]] for v in VARIABLES] for m in both])
    theirs = np.array([places[m.code] for m in both])
    # Years are not the same (theirs are pooled), so near, not equal.
    assert np.corrcoef(found[:, 0], theirs[:, 0])[0, 1] > 0.98
    assert np.corrcoef(found[:, 1], theirs[:, 1])[0, 1] > 0.93
    with pytest.raises(BadInputError, match='"tao"; there is tao2024'):
        published_projection("tao")
    with pytest.raises(BadInputError, match="there is tao2024"):
        variant_societies("../tao2024")


def test_series_are_never_mixed():
    people, tao = load_people(), variant_societies("tao2024")
    assert one_series(society("DNK"), people) == "official-latest"
    with pytest.raises(BadInputError, match="official-latest, tao2024"):
        one_series(society("DNK"), tao[0])
    with pytest.raises(BadInputError, match="two series cannot be compared"):
        people.with_societies(tao)
    with pytest.raises(BadInputError, match="none"):
        one_series()


def place(x, y):
    return OfficialPosition(x, y, 0.01, 0.01, 1000, 900.0, "refit-official")


def test_reproduction_compares_the_same_years():
    people = load_people()
    positions = {(s.code, s.year): place(s.x + 0.01, s.y) for s in people.societies.values()}
    same = reproduction(positions)
    assert (same.societies, same.x, same.y, same.holds) == (115, pytest.approx(0.01), pytest.approx(0), True)
    positions[("DNK", people.societies["DNK"].year)] = place(0.0, 0.0)
    other = reproduction(positions)
    assert (other.largest, other.holds) == ("DNK", False)
    few = reproduction({("IND", 2023): place(society("IND").x, society("IND").y)})
    assert few.societies == 1
    assert not few.holds
    with pytest.raises(BadInputError, match="no society"):
        reproduction({("IND", 1990): place(0, 0)})


def test_a_single_respondent_has_a_place_but_no_error():
    answers, weights = respondents(800, 6, missing=0)
    found = fitted(answers, weights).position(PairwiseMoments().add(answers[:1], weights[:1]))
    assert found.complete == 1
    assert (found.se_x, found.se_y) == (None, None)


@pytest.mark.parametrize(
    ("name", "digest"),
    [
        ("tao2024-projection.csv", "a3b6908705e6541f32b5712661c1b794e1512dac6ad06e2009442cc8a846a8fd"),
        ("tao2024-societies.csv", "8441d0b277176e6d6f942615e8a0d1f8884ac3fe1e47a9c38f96a4cef03ff8b3"),
    ],
)
def test_variant_tables_are_as_they_were_checked(name, digest):
    assert hashlib.sha256((DATA / "variants" / name).read_bytes()).hexdigest() == digest
