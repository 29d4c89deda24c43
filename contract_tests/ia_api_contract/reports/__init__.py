"""Reports of a run: as text, JSON, JUnit and a page, all made from the same value."""

from ia_api_contract.reports.model import Entry, Report, Told, entry_of, told

__all__ = ["Entry", "Report", "Told", "entry_of", "told"]
