"""The figures of both papers, one file each: pure functions from the records to a section of the report."""
