"""The paper's study again: checked-in configurations of the existing study, and its claims beside what a run found.

`configurations` reads `data/*.toml` (each based on `data/paper.toml`) and turns one into the design and the settings of a study;
`readings` and `claims` come from `data/claims.toml`: what the paper says, and how it was read where it is unclear. `judging`
holds every claim against a finished study. A reproduction is a study's run folder with three more files:

    RUN/reproduce.json   the configuration in full, the paper's model, the model that was asked in its place if any (`Reproduction`)
    RUN/claims.json      claims with verdict, figures, intervals and a reason each, and the readings (`Table`)
    RUN/claims.md        the same to read
"""
