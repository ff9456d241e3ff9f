"""The whole study of one model: its parts in order, one model load, one folder, each part resumable by itself.

The folder is the interface between those who measure and those who show. `RUN` is an audit's run folder as ever (instrument
check, probe without persona), and every further part keeps the kind of folder or file that its own command writes, beneath it:

    RUN/                run.json, samples.jsonl, results.json, report.html: check and probe (`experiments.audit`)
    RUN/study.json      parts, status, settings, expected and real times, why a part was left out (`StudyFile`)
    RUN/survey/         the direct survey's run folder (`experiments.survey`; results.json: SurveyResults and places)
    RUN/personas/       an audit's run folder: the same scenarios asked without persona and as people of societies
                        (results.json: Results with personas and persona_audit); answers that RUN has are taken from there
    RUN/search/         the search's folder, from which the next parts begin
        search.json, search.svg, vectors/AXIS.safetensors   search (`steer.folder.SearchFile`)
        sweep/sweep.json, sweep/generated.jsonl             sweep (`steer.sweep_results.Sweep`), the chosen blocks' vectors
        entangle.json   entangle (`steer.results.EntangleStudy`)
        domains.json    domains (axis to `steer.results.DomainTable`)
        methods.json    methods (axis to `steer.methods_results.MethodTable`)
        steered.json    steered (`study.steered.SteeredReadings`): the reporting scenarios, unsteered and one step each way
        aim-DNK.json            aim (`steer.results.AimStudy`), one for each society
        aim-DNK-advanced.json   together: the same on top of the society's persona (or aim-DNK-basic.json)
        aim-texts.jsonl         texts behind the perplexity budget of aims
        generate.json   generate (`steer.generating.Generated`): unsteered beside a step towards every positive pole
        tax.json        tax (`steer.tax.Tax`), where lm-eval and tasks are there

A part that was not run has no file; a page shows what is there and takes the reason for the rest from `study.json`:

    {"format": 1, "profile": "quick", "parts": [
        {"part": "search", "status": "done", "reason": null, "files": ["search/search.json", "search/search.svg"],
         "settings": {...},
         "planned": {"prompts": 20, "readings": 900, "tokens": 3210, "written": 0, "flops": 1.2e12, "seconds": 12.0},
         "asked": {"prompts": 20, "readings": 900, "tokens": 3210, "written": 0, "flops": 1.2e12},
         "expected": null, "seconds": 10.4, "started": "...", "finished": "..."}, ...]}

`status` is one of `planned` (not begun), `running` (being done, or killed), `done`, `off` (switched off), `skipped` (makes no
sense here), `stopped` (Ctrl-C), `failed`; `reason` says why in one sentence for the last four, null otherwise. Parts always
stand in the order of `study.names.PART_NAMES`: probe, survey, personas, search, sweep, entangle, domains, methods, steered,
aim, together, generate, tax. `files` are those that exist, relative to RUN.
"""
