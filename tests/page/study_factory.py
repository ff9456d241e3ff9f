"""A made-up study as a 3B model might give it, built from the classes that the parts store; no model is needed."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

from culturescope.experiments.audit import carry_out, start_run
from culturescope.experiments.design import Design
from culturescope.experiments.personas import choose_personas
from culturescope.experiments.steer.folder import SearchFile
from culturescope.experiments.steer.generating import Generated, SideBySide
from culturescope.experiments.steer.methods_results import MethodRow, MethodTable
from culturescope.experiments.steer.results import (
    Aim,
    AimQuality,
    AimStep,
    AimStudy,
    Decoupled,
    DomainCell,
    DomainTable,
    Drawn,
    Entanglement,
    EntanglementTable,
    EntangleStudy,
    RandomReach,
    Reached,
    Response,
)
from culturescope.experiments.steer.search_results import (
    BlockEffect,
    Choice,
    ItemEffect,
    RankAgreement,
    Search,
)
from culturescope.experiments.steer.sweep_results import (
    AxisAt,
    Budget,
    Place,
    RandomEffect,
    Recommendation,
    Sweep,
    SweepRow,
    TextQuality,
    Where,
)
from culturescope.experiments.steer.tax import TaskDifference, Tax
from culturescope.experiments.study.file import PartRecord, Planned, StudyFile
from culturescope.experiments.study.steered import SteeredChange, SteeredReadings, SteeredScenario
from culturescope.experiments.survey import carry_out_survey, start_survey
from culturescope.experiments.survey_design import SurveyDesign
from culturescope.experiments.survey_place import survey_placements
from culturescope.instrument import load_pack
from culturescope.models.mock import MockModel
from culturescope.page.study_data import Asked, Study, Surveyed
from culturescope.people import Placement, load_people
from culturescope.probing.results import AxisFollowing, Figure, KindAudit, PersonaAudit, SocietyDistance
from culturescope.probing.survey_reading import compute_survey
from culturescope.probing.survey_tasks import SurveyTask, survey_tasks
from culturescope.prompts.survey import survey_questions
from culturescope.runs import write_json
from tests.experiments.planted_personas import planted_personas
from tests.page import factory

PACK = load_pack(None)
MODEL = "Llama-3.2-3B-Instruct"
IDENTITY = {"name": MODEL, "family": "llama", "blocks": 28, "dtype": "float16"}
DOMAINS = ("family", "workplace", "legal")
SOCIETIES = {"IND": "India", "VNM": "Viet Nam", "MEX": "Mexico", "DNK": "Denmark"}
PLACES = {"IND": (-0.6, -0.3), "VNM": (-0.4, 0.3), "MEX": (0.9, -0.9), "DNK": (2.3, 1.2)}


def drawn(value: float, half: float) -> Drawn:
    return Drawn(value=value, low=value - half, high=value + half)


def search(axis: str, centre: int, strength: float, seed: int) -> Search:
    rng = random.Random(seed)
    blocks = []
    for block in range(28):
        size = strength * math.exp(-(((block - centre) / 4) ** 2)) + rng.gauss(0, 0.006)
        band = 0.02 + 0.03 * math.exp(-(((block - 14) / 8) ** 2))
        measured = abs(block - centre) < 5
        blocks.append(
            BlockEffect(
                block=block,
                alpha=0.3,
                dose=0.1,
                effect=drawn(size, 0.03) if measured else None,
                first_order=size * 1.15,
                random_band=band,
                shuffled_band=band * 1.4,
                shuffled_worst=band * 1.6,
                items={},
            )
        )
    chosen = tuple(range(centre - 1, centre + 3))
    return Search(
        axis=axis,
        how="first-order",
        joint="top",
        blocks=tuple(blocks),
        chosen=chosen,
        largest_random=0.07,
        p_chosen=0.05,
        control_ratio=1.1,
        shuffles=20,
        largest_shuffled=0.09,
        p_shuffled=0.1,
        shuffled_ratio=1.2,
        rank_agreement=RankAgreement(spearman=0.8, overlap=3, of=4, regret=0.03),
        choices=tuple(
            Choice(
                name=name,
                blocks=b,
                effect=drawn(v, 0.08),
                random_band=band,
                random_way="measured",
                letter_mass=0.98,
                mean_abs_b=0.21,
            )
            for name, b, v, band in (
                ("best", (centre,), strength, 0.06),
                ("chosen", chosen, 3 * strength, 0.12),
                ("all", tuple(range(28)), 0.1, 0.31),
            )
        ),
        items=tuple(
            ItemEffect(item=f"{axis}0{n}", effect=0.2 * n / 5, random_band=0.1, moved=n > 2)
            for n in range(1, 6)
        ),
    )


def search_file() -> SearchFile:
    parts = {"fit": [], "choose": [], "report": []}  # type: dict[str, list[str]]
    for n, s in enumerate(PACK.scenarios):
        parts[("fit", "fit", "choose", "report")[n % 4]].append(s.id)
    return SearchFile(
        format=2,
        created="2026-11-26T10:00:00+00:00",
        versions={},
        model=IDENTITY,
        load={},
        pack=None,
        templates=("plain",),
        parts={k: tuple(v) for k, v in parts.items()},
        plan={"dose": 0.1, "alpha": None, "site": "answer-letter", "method": "mean-difference"},
        axes={"Y": search("Y", 14, 0.12, 1), "X": search("X", 15, 0.2, 2)},
    )


def where(changes: dict[str, float], place: tuple[float, float] | None) -> Where:
    base = {"Y": 0.31, "X": 0.24}
    return Where(
        axes=tuple(
            AxisAt(
                axis=a,
                d=drawn(base[a] + c, 0.07),
                change=drawn(c, 0.05 * abs(c) + (0.03 if c else 0)),
                score=0.5,
            )
            for a, c in changes.items()
        ),
        place=None
        if place is None
        else Place(
            x=place[0],
            y=place[1],
            x_interval=(place[0] - 0.1, place[0] + 0.1),
            y_interval=(place[1] - 0.1, place[1] + 0.1),
        ),
    )


def quality(alpha: float) -> TextQuality:
    hurt = math.exp(3.5 * abs(alpha)) - 1
    return TextQuality(
        prompts=20,
        tokens=96.0,
        empty=0.0,
        perplexity=3.1 * (1 + 0.02 * hurt),
        perplexity_ratio=drawn(1 + 0.02 * hurt, 0.01 + 0.02 * abs(alpha)),
        kl=Drawn(value=0.03 * hurt, low=0.025 * hurt, high=0.036 * hurt),
        repetition=0.02,
        repetition_change=drawn(0.01 * hurt, 0.008),
        distinct_1=0.7,
        distinct_1_change=drawn(-0.01, 0.02),
        distinct_2=0.9,
        distinct_2_change=drawn(-0.01, 0.02),
        similarity=0.61,
        similarity_change=drawn(-0.02 * hurt, 0.015),
    )


def sweep() -> Sweep:
    rows = []

    def row(vector: str | None, alpha: float) -> SweepRow:
        y = {"Y": 2.1, "X": 1.1}.get(str(vector), 0) * math.tanh(2 * alpha)
        x = {"Y": 0.9, "X": 1.9}.get(str(vector), 0) * math.tanh(2 * alpha)
        place = (0.35 + 0.5 * x, 0.15 + 0.45 * y)
        return SweepRow(
            vector=vector,
            alpha=alpha,
            dose={13: abs(alpha) * 0.4},
            gap={},
            everywhere=where({"Y": y, "X": x}, place),
            domains={
                d: where({"Y": y * f, "X": x * f}, (place[0] * f, place[1] * f))
                for d, f in zip(DOMAINS, (1.2, 0.9, 0.6), strict=True)
            },
            letter_mass=0.97,
            letter_mass_ratio=drawn(1 - 0.5 * alpha * alpha, 0.02),
            bias=0.1,
            mean_abs_b=0.2,
            quality=quality(alpha),
        )

    rows.append(row(None, 0.0))
    alphas = [round(-0.4 + 0.1 * n, 1) for n in range(9)]
    rows += [row(v, a) for v in ("Y", "X") for a in alphas if a]
    return Sweep(
        model=IDENTITY,
        settings={},
        vectors={v: {"label": v, "blocks": [13, 14, 15, 16], "site": "answer-letter"} for v in ("Y", "X")},
        scenarios=150,
        rows=tuple(rows),
        random=tuple(
            RandomEffect(
                vector=v,
                axis=a,
                alpha=0.4,
                vectors=20,
                low=-0.3,
                high=0.34,
                change=drawn(1.2, 0.1),
                beyond=True,
            )
            for v in ("Y", "X")
            for a in ("Y", "X")
        ),
        budget=Budget(),
        recommendations=tuple(
            Recommendation(
                vector=v, sign=s, alpha=0.2 * s, by_estimate=0.3 * s, reason="KL is above 0.1 at the next one"
            )
            for v in ("Y", "X")
            for s in (-1, 1)
        ),
        notes=("Similarity by the packaged sentence model.",),
    )


def entanglement(axis: str, domain: str | None, e: float | None) -> Entanglement:
    return Entanglement(
        axis=axis,
        domain=domain,
        on_axis=drawn(0.42, 0.06),
        off_axis=drawn(0.42 * (e or 0.9), 0.07),
        random_band=0.11,
        off_band=0.12,
        e=None if e is None else Drawn(value=e, low=max(0.0, e - 0.18), high=min(1.0, e + 0.2)),
        undefined=None if e is not None else "the change on the axis lies inside the band of random vectors",
        sign=0 if e is None else 1,
        random_e=0.68,
        wrong_way=0.1,
    )


def table(domain: str | None, y: float | None, x: float | None) -> EntanglementTable:
    found = (entanglement("Y", domain, y), entanglement("X", domain, x))
    return EntanglementTable(
        steered=("Y", "X"), entanglements=found, map={"Y": drawn(0.5, 0.2), "X": drawn(0.4, 0.3)}
    )


def entangle() -> EntangleStudy:
    def way(name: str, axis: str, e: float | None, kept: float) -> Decoupled:
        return Decoupled(
            way=name,
            axis=axis,
            on_axis=drawn(0.3, 0.05),
            off_axis=drawn(0.05, 0.06),
            random_band=0.11,
            e=None if e is None else Drawn(value=e, low=max(0.0, e - 0.1), high=e + 0.2),
            undefined=None if e is not None else "inside",
            lowered=drawn(0.4, 0.2),
            kept=drawn(kept, 0.1),
        )

    ways = (("orthogonal", 0.35, 0.81), ("inverse", 0.12, 0.72), ("penalised", 0.41, 0.9))
    return EntangleStudy(
        step=0.1,
        unit="dose",
        overall=table(None, 0.71, 0.42),
        domains=(table("family", 0.6, 0.4), table("workplace", 0.9, 0.5), table("legal", None, 0.3)),
        response=Response(
            axes=("Y", "X"),
            matrix=((drawn(0.42, 0.06), drawn(0.2, 0.08)), (drawn(0.3, 0.06), drawn(0.55, 0.07))),
            condition=4.2,
        ),
        cosine={14: 0.31, 15: 0.35},
        human={"r": 0.36, "y_on_x": 0.4, "x_on_y": 0.33},
        projection={"anchored": {"X": 0.35, "Y": 0.2}},
        decoupled=tuple(way(n, a, e, k) for a in ("Y", "X") for n, e, k in ways),
        by_step={"0.05": table(None, None, 0.4), "0.2": table(None, 0.75, 0.9)},
        decoupled_by_step={"0.2": tuple(way(n, a, e, k) for a in ("Y", "X") for n, e, k in ways)},
        notes=("Random steps were all measured.",),
    )


def domains() -> dict[str, DomainTable]:
    rng = random.Random(5)
    fitted = (*DOMAINS, "all")
    return {
        axis: DomainTable(
            axis=axis,
            step=0.1,
            unit="dose",
            blocks=(13, 14, 15, 16),
            pairs=dict.fromkeys(fitted, 50),
            cosine={a: {b: 1.0 if a == b else 0.6 for b in fitted} for a in fitted},
            cells=tuple(
                DomainCell(
                    fitted=f,
                    tested=t,
                    change={
                        a: drawn(
                            (0.5 if f in (t, "all") else 0.2)
                            * (1 if a == axis else 0.4)
                            * (-1 if t == "legal" and a != axis else 1)
                            + rng.gauss(0, 0.04),
                            0.08,
                        )
                        for a in ("Y", "X")
                    },
                    random_band={"Y": 0.11, "X": 0.1},
                )
                for f in fitted
                for t in DOMAINS
            ),
        )
        for axis in ("Y", "X")
    }


def methods() -> dict[str, MethodTable]:
    def row(site: str, method: str, how: str, value: float, default: bool = False) -> MethodRow:
        inside = abs(value) <= 0.1
        change = {"Y": drawn(0.3 * value, 0.05), "X": drawn(value, 0.06)}
        return MethodRow(
            site=site,
            method=method,
            how=how,
            change=change,
            inside=inside,
            e=None if inside else drawn(0.3, 0.1),
            undefined="inside" if inside else None,
            difference=None if default else {a: drawn(d.value - 0.4, 0.05) for a, d in change.items()},
            e_difference=None,
            cosine=1.0 if default else 0.4,
            letter_mass=0.97 if how == "measured" else None,
        )

    return {
        "X": MethodTable(
            axis="X",
            step=0.1,
            unit="dose",
            blocks=(13, 14),
            pairs=150,
            scenarios=75,
            default=("answer-letter", "mean-difference"),
            best=None,
            random="measured",
            control_ratio={},
            random_band={"Y": 0.1, "X": 0.1},
            rows=(
                row("answer-letter", "mean-difference", "measured", 0.4, default=True),
                row("answer-letter", "pca", "measured", 0.05),
                row("option-text", "mean-difference", "first-order", 0.6),
            ),
        )
    }


def aim(code: str, persona: str | None = None) -> AimStudy:
    goal, start = PLACES[code], (0.35, 0.15)

    def at(share: float) -> tuple[float, float]:
        return tuple(a + share * (b - a) for a, b in zip(start, goal, strict=True))  # type: ignore[return-value]

    def far(share: float) -> float:
        return math.dist(at(share), goal)

    shares = (0.35, 0.6, 0.78, 0.86)
    steps = tuple(
        AimStep(
            coefficients=(0.2 * n, 0.3 * n),
            place=(at(s)[0], at(s)[1] + 0.05 * n),
            distance=far(s),
            overshoot=-far(s),
            damping=1.0,
            accepted=True,
            budget_used=0.2 * n,
        )
        for n, s in enumerate(shares, start=1)
    )
    refused = AimStep(
        coefficients=(1.2, 1.8),
        place=None,
        distance=None,
        overshoot=None,
        damping=0.5,
        accepted=False,
        budget_used=1.4,
    )

    def reached(name: str, share: float, change: bool = True) -> Reached:
        return Reached(
            name=name,
            place=at(share),
            distance=drawn(far(share), 0.12),
            change=drawn(far(share) - far(0), 0.1) if change else None,
            change_from_persona=drawn(-0.1, 0.05) if persona and name == "aimed" else None,
            letter_mass=0.97,
        )

    return AimStudy(
        target_name=code,
        axes=("Y", "X"),
        step=0.1,
        unit="dose",
        on_top_of=persona,
        aim=Aim(
            target=goal,
            start=start,
            start_distance=far(0),
            coefficients=(0.8, 1.2),
            place=at(0.86),
            distance=far(0.86),
            status="closer",
            overshoot=-far(0.86),
            steps=(*steps, refused),
            evaluations=9,
            budget_used=0.8,
            budget_asked=5,
        ),
        reached=(
            reached("unsteered", 0.0, False),
            reached("aimed", 0.7),
            reached(f"basic-{code}", 0.3),
            reached(f"advanced-{code}", 0.55),
        ),
        random=RandomReach(vectors=20, low=-0.2, high=0.25, beyond=True),
        quality=AimQuality(
            most=1.05, prompts=20, max_new_tokens=64, chosen_by=drawn(1.02, 0.01), confirmed=drawn(1.03, 0.03)
        ),
    )


def steered() -> SteeredReadings:
    rng = random.Random(11)
    names = ("unsteered", "Y+", "Y-", "X+", "X-")
    scenarios = []
    for s in PACK.scenarios[::4]:
        axis, base, bias = PACK.axis_of(s), rng.gauss(0.3, 0.4), rng.gauss(0.1, 0.2)
        moves = {"Y": (0.5, -0.5, 0.2, -0.2), "X": (0.3, -0.3, 0.6, -0.6)}[axis]
        d = (base, *(base + m + rng.gauss(0, 0.2) for m in moves))
        scenarios.append(
            SteeredScenario(
                scenario=s.id,
                item=s.item,
                domain=s.domain,
                axis=axis,
                template="plain",
                d=d,
                b=(bias,) * 5,
                letter_mass=(0.98,) * 5,
            )
        )
    return SteeredReadings(
        step=0.1,
        unit="dose",
        blocks=(13, 14, 15, 16),
        changes=tuple(
            SteeredChange(
                name=n,
                axis=n[0] if n != "unsteered" else None,
                coefficient={"+": 1.0, "-": -1.0}.get(n[-1], 0.0),
                where=where({"Y": 0.1, "X": 0.1}, (0.3 + 0.3 * i, 0.1 + 0.2 * i)),
                letter_mass=0.98,
            )
            for i, n in enumerate(names)
        ),
        scenarios=tuple(scenarios),
    )


def generated(hostile: str = "") -> Generated:
    asked = (
        ("What makes a good life?", "A good life is one of balance, health and time with people you love."),
        (
            "How should a town choose its holidays?",
            "By asking the people who live there, and by its history.",
        ),
    )
    after = "A good life is one in which everybody may be who they are and say what they think." + hostile
    return Generated(
        model=IDENTITY,
        steering=({"label": "X" + hostile, "alpha": 0.3, "blocks": [13, 14, 15, 16]},),
        system=None,
        max_new_tokens=128,
        temperature=0.0,
        seed=42,
        answers=(
            SideBySide(asked[0][0] + hostile, asked[0][1], after, False),
            SideBySide(asked[1][0], asked[1][1], asked[1][1], True),
        ),
    )


def tax() -> Tax:
    def one(task: str, before: float, after: float) -> TaskDifference:
        return TaskDifference(
            task=task,
            metric="acc",
            questions=200,
            unsteered=before,
            steered=after,
            difference=drawn(after - before, 0.03),
            lost=9,
            gained=4,
            p=0.27,
            random=(before - 0.01, before + 0.005),
        )

    return Tax(
        model=IDENTITY,
        steering=(),
        lm_eval="0.4.9",
        limit=200,
        chat=True,
        seed=42,
        differences=(one("arc_easy", 0.71, 0.69), one("hellaswag", 0.58, 0.52)),
    )


def record() -> StudyFile:
    done = ("probe", "search", "sweep", "entangle", "domains", "steered", "aim", "generate")
    return StudyFile(
        profile="paper",
        settings={},
        parts=(
            *tuple(
                PartRecord(
                    part=p,
                    status="done",
                    seconds=120.0,
                    planned=Planned(prompts=600, readings=4000, seconds=100.0),
                )
                for p in done
            ),
            PartRecord(part="tax", status="skipped", reason="lm-eval is not installed"),
        ),
    )


def place(label: str, conversion: Any, x: float, y: float, **more: Any) -> Placement:
    return Placement(
        label=label,
        kind=more.pop("kind", "model"),
        conversion=conversion,
        x=x,
        y=y,
        covariance=((0.02, 0.004), (0.004, 0.015)),
        radius2=6.2,
        displacement=(x, y),
        outside=False,
        verdicts=more.pop("verdicts", {"Y": "interpretable", "X": "interpretable"}),
        **more,
    )


def placements() -> tuple[Placement, ...]:
    found = [place("uniform null", c, 0.0, 0.0, kind="null", verdicts={}) for c in ("anchored", "paper")]
    found += [place(MODEL, "anchored", 0.35, 0.15), place(MODEL, "paper", 0.9, 0.6)]
    found += [
        place(MODEL, "anchored", 0.35 * f, 0.15 * f, domain=d)
        for d, f in zip(DOMAINS, (2, 1.2, -1), strict=True)
    ]
    return tuple(found)


def audit(kind: Any, conversion: Any, shift: float) -> KindAudit:
    start = (0.35, 0.15)
    return KindAudit(
        kind=kind,
        conversion=conversion,
        verdict="interpretable",
        without=start,
        societies=tuple(
            SocietyDistance(
                persona=f"{kind}-{c}",
                society=c,
                name=SOCIETIES[c],
                partial=False,
                people=PLACES[c],
                people_year=2018,
                place=start,
                distance=math.dist(PLACES[c], start) + shift * (n - 1),
                distance_without=math.dist(PLACES[c], start),
                change=Figure(value=shift * (n - 1), low=shift * (n - 1) - 0.15, high=shift * (n - 1) + 0.15),
            )
            for n, c in enumerate(SOCIETIES)
        ),
        axes=tuple(
            AxisFollowing(
                axis=a,
                verdict="interpretable",
                slope=Figure(value=0.3, low=0.1, high=0.5),
                r2=Figure(value=0.6, low=0.1, high=0.9),
                spread_ratio=Figure(value=0.4, low=0.2, high=0.7),
                spread_ratio_less_noise=Figure(value=0.35, low=0.1, high=0.7),
            )
            for a in ("X", "Y")
        ),
        mean_change=Figure(value=-0.2, low=-0.3, high=-0.1),
        mean_change_of_such=Figure(value=-0.2, low=-0.5, high=0.1),
        caveat="four societies only",
    )


def asked() -> Asked:
    results = factory.results({"Y": "interpretable", "X": "interpretable"})
    kinds = tuple(
        audit(k, c, s) for k, s in (("basic", -0.1), ("advanced", -0.25)) for c in ("anchored", "paper")
    )
    places = tuple(
        place(f"{MODEL} as {name} ({kind})", "anchored", x * f, y * f, persona=kind, society=code)
        for kind, f in (("basic", 0.4), ("advanced", 0.7))
        for code, name in SOCIETIES.items()
        for x, y in (PLACES[code],)
    )
    return Asked(results.model_copy(update={"persona_audit": PersonaAudit(kinds=kinds)}), factory.RUN, places)


def survey_run(folder: Path) -> None:
    """A direct survey that is done, of a model with the same answers under every persona."""
    tasks = survey_tasks(survey_questions(), samples=1)
    known = {
        task.prompt.sha256: str(task.question.scale(turned=task.turned).answers[-2].number) for task in tasks
    }
    model = MockModel(lambda p: (0.0, 0.0), reply=lambda p, seed: known[p.sha256], name=MODEL)
    design = SurveyDesign(instruments=("text",), samples=1)
    with start_survey(model, design, load={"source": "mock"}, output_path=folder) as opened:
        carry_out_survey(model, opened, quiet=True)


def surveyed() -> Surveyed:
    def reply(task: SurveyTask) -> str:
        answers = task.question.scale(turned=task.turned).answers
        return str(max(answers, key=lambda a: a.code).number)

    tasks = survey_tasks(survey_questions(), instruments=("text",), samples=1)
    results = compute_survey([t.row(str(n), "", reply(t)) for n, t in enumerate(tasks)])
    return Surveyed(
        results,
        factory.RUN,
        tuple(survey_placements(results, MODEL)),
        (("text", audit("basic", "paper", 0.2)),),
    )


def study_run(folder: Path) -> None:
    """A run folder of a study with every part: probe, survey and personas of planted models, and files of steering."""
    personas = choose_personas(["basic"], ["IND", "MEX"], load_people())
    items = PACK.item_ids
    values = {"none": {i: 0.2 + 0.1 * int(i[-1]) for i in items}}
    values |= {p.id: dict.fromkeys(items, 0.4 * n - 1) for n, p in enumerate(personas)}
    model = planted_personas(values, {p.id: p.text for p in personas})
    own = Design(limit=30, template_ids=("plain",), agreement=2, check_limit=4)
    for path, design in ((folder, own), (folder / "personas", replace(own, personas=personas))):
        with start_run(model, design, load={"source": "mock"}, output_path=path) as opened:
            carry_out(model, opened, quiet=True)
    survey_run(folder / "survey")
    write_parts(folder, study())


def study(**changes: Any) -> Study:
    made = Study(
        pack=PACK,
        model=MODEL,
        record=record(),
        search=search_file(),
        sweep=sweep(),
        entangle=entangle(),
        domains=domains(),
        methods=methods(),
        steered=steered(),
        aims={"aim-DNK": aim("DNK"), "aim-IND": aim("IND"), "aim-DNK-advanced": aim("DNK", "advanced-DNK")},
        generated=generated(),
        tax=tax(),
        survey=surveyed(),
        personas=asked(),
        placements=placements(),
    )
    return replace(made, **changes)


def write_parts(run: Path, made: Study) -> None:
    """The files of a study's steering, as its commands write them."""
    folder = run / "search"
    (folder / "sweep").mkdir(parents=True, exist_ok=True)
    stored: dict[str, Any] = {
        "search.json": made.search,
        "sweep/sweep.json": made.sweep,
        "entangle.json": made.entangle,
        "steered.json": made.steered,
        "tax.json": made.tax,
        **{f"{name}.json": one for name, one in made.aims.items()},
    }
    for name, one in stored.items():
        if one is not None:
            write_json(folder / name, one.model_dump(mode="json"))
    write_json(folder / "domains.json", {k: v.model_dump(mode="json") for k, v in made.domains.items()})
    write_json(folder / "methods.json", {k: v.model_dump(mode="json") for k, v in made.methods.items()})
    if made.generated is not None:
        write_json(folder / "generate.json", made.generated.as_dict())
    if made.record is not None:
        write_json(run / "study.json", made.record.model_dump(mode="json"))
