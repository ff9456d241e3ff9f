"""The paper's study again: checked-in configurations of the existing study, and its claims beside what a run found.

`configurations` reads `data/*.toml` (each based on `data/paper.toml`) and makes one the design and the settings of a study;
`claims` reads `data/claims.toml`: what the paper says, and how it was read where it is unclear. `judging` holds every claim
against a finished study. A reproduction is a study's run folder with three more files:

    RUN/reproduce.json   the configuration in full: the paper's model, and who was asked (`claims.Reproduction`)
    RUN/claims.json      claims with outcome, figures, intervals and a reason each, and the readings (`claims.Table`)
    RUN/claims.md        the same to read
"""
