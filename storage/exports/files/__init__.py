"""Exports that are not tables: XForm instances, evidence, the plan on a page."""
