"""`people projection`: how well ten item means tell a society's place on the map, society by society."""

from __future__ import annotations

import json

import typer

from culturescope.cli import asked
from culturescope.cli import options as o


def projection_command(tables: o.Tables = None, as_json: o.Json = False) -> None:
    """Show the fit from ten item means to the map: its leave-one-out error, by society, and who is not in it."""
    from culturescope.people import fit_projection

    people = asked.people_tables(tables)
    fit = fit_projection(people)
    everyone = fit_projection(people, include_left_out=True)
    rows = []
    for code, (x, y), (dx, dy) in zip(fit.codes, fit.positions.tolist(), fit.residuals.tolist(), strict=True):
        year = people.item_means[code].year
        rows.append({"code": code, "year": year, "x": x, "y": y, "left_out_dx": dx, "left_out_dy": dy})
    rows.sort(key=lambda r: -(r["left_out_dx"] ** 2 + r["left_out_dy"] ** 2))
    out = {c: why for c, why in people.left_out.items() if c in everyone.codes}
    if as_json:
        found = {
            "series": people.series,
            "societies": len(fit.codes),
            "r2": fit.r2,
            "loo_rmse": fit.loo_rmse,
            "covariance": fit.covariance.tolist(),
            "with_those_set_aside": {"societies": len(everyone.codes), "loo_rmse": everyone.loo_rmse},
            "set_aside": out,
            "residuals": rows,
        }
        typer.echo(json.dumps(found, ensure_ascii=False, indent=2))
        return
    typer.echo(f"{'code':<8} {'society':<23} year       x       y  predicted without it: off by x, y")
    for r in rows:
        name = people.societies[str(r["code"])].name
        typer.echo(
            f"{r['code']:<8} {name:<23} {r['year']} {r['x']:>+7.2f} {r['y']:>+7.2f}  "
            f"{r['left_out_dx']:>+7.3f} {r['left_out_dy']:>+7.3f}"
        )
    typer.echo(_summary("Leave-one-out error", fit.loo_rmse, len(fit.codes), fit.r2))
    if out:
        typer.echo(_summary("With those set aside", everyone.loo_rmse, len(everyone.codes), everyone.r2))
        typer.echo("Set aside, though survey years match:")
        for code, why in out.items():
            typer.echo(f"  {code}: {why}")


def _summary(name: str, rmse: tuple[float, float], count: int, r2: tuple[float, float]) -> str:
    return (
        f"{name} (root mean square): {rmse[0]:.3f} in x, {rmse[1]:.3f} in y; {count} societies; "
        f"R2 {r2[0]:.3f} and {r2[1]:.3f}."
    )
