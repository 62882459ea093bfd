"""Measuring: matches played out between frozen policies and bots, intervals, reports."""
