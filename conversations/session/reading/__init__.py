"""Read what people type as the value that ODK stores: numbers, dates, times, choices.

"1.250" is one thousand two hundred and fifty in one country, and one and a quarter in another. "15/9" has no year.
"mar" is a day and a month. The bot must not guess.

Laws: nothing raises, whatever is typed. A text with one reading is `Understood`. A text that may mean something else is
`Ambiguous`, and the respondent must **always** confirm it, even if there is only one reading to offer ("casi 25", "1
250"). The reason in `NotUnderstood` is the catalogue key of the sentence that asks again.
"""
