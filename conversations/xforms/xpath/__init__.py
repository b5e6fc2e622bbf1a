"""XForms logic: ODK's dialect of XPath, compiled when a form is published.

No XPath library speaks this dialect. In it a date subtracts like a number, `/data/child/age` inside a repeat means
*this* child's age, and the function library is ODK's own. What two reference engines agree on is the standard (ODK
XForms specification, "XPath"; JavaRosa; the ODK web engine).

- Everything that can be wrong with an expression is an `ExpressionError` while it is compiled: syntax, an unknown
  function, a wrong number of arguments, a regular expression that cannot run in linear time, too long, too deep.
- A compiled expression never raises for what a respondent has entered. Text that is no number is NaN, a date that
  does not exist is blank. Only a budget that is used up stops it (`Exhausted`).
- Compiling tells what the expression reads (`Reads`), so an answer evaluates again only what depends on it.
- Where the engines differ, JavaRosa decides about blanks (skipped in sum, false in if). The web engine decides about
  the rest (regex searches, `round(-2.5)` is -3). docs/xlsform.md lists the cases.

From the bottom: `syntax` (trees), `values` (texts, numbers, dates), `expression` (what is evaluated, and where),
`conversions`, `item_paths`, `node_paths`, `compiler` (trees become closures), `functions` (the library), `compile`.
"""
