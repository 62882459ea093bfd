"""The report of one run or of several seeds: tables for people, figures, one page."""

from camtf.evaluation.report.text import evaluation_tables, flat_summary, rate, table

__all__ = ["evaluation_tables", "flat_summary", "rate", "table"]
