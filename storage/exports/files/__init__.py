"""Files that are no tables: XForm instances, evidence, the plan on a page."""
