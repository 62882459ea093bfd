"""The report of one run or of several seeds: tables for people, figures, one page."""
