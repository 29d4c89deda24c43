"""Every mutant, by resource."""

from meta_tests.mutant import Mutant
from meta_tests.mutants import (
    applications,
    attachments,
    cases,
    errors,
    files,
    labels,
    launch,
    machines,
    quality_control,
    results,
    results_content,
    results_updates,
    schema_driven,
    scope,
    slides,
    tiles,
    tokens,
    versions,
)

MUTANTS: tuple[Mutant, ...] = (
    *quality_control.MUTANTS,
    *applications.MUTANTS,
    *cases.MUTANTS,
    *errors.MUTANTS,
    *files.MUTANTS,
    *labels.MUTANTS,
    *launch.MUTANTS,
    *schema_driven.MUTANTS,
    *scope.MUTANTS,
    *slides.MUTANTS,
    *tiles.MUTANTS,
    *tokens.MUTANTS,
    *versions.MUTANTS,
    *results.MUTANTS,
    *results_content.MUTANTS,
    *results_updates.MUTANTS,
    *attachments.MUTANTS,
    *machines.MUTANTS,
)
