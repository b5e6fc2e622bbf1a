"""What must not be written down: names, documents, phones (SECURITY, last paragraph; DOMAIN §2.6).

Survivors are counted, never named, and a bot chat is not end-to-end encrypted. Patterns cannot catch a single
first name inside a sentence, so a person still reads restricted text; but what a pattern can catch is caught
before it is stored, also when the digits are spaced, full-width, or interleaved with characters nobody sees.

The strict rules contain those of the form's own constraint (`incident_free_text`, `gap_text`), so that the bot
never stores what the form would refuse.
"""

import re
import unicodedata

from conversations.reading import normalise

# ------------------------------------------------------------------ characters
_BLANKS = frozenset("\u115f\u1160\u3164\uffa0\u2800")
"""Letters and symbols that draw nothing."""
_MARKS_KEPT = 3


def clean(text: str) -> str:
    """The text as it may be stored and sent back: NFC, without bidi controls or anything else invisible (S7).

    Blanks are collapsed, line breaks kept (two in a row at most); emoji keep what joins them.
    """
    kept: list[str] = []
    marks = 0
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    for position, character in enumerate(text):
        category = unicodedata.category(character)
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if character == "\n":
            kept.append(character)
        elif character in _BLANKS or category in ("Zs", "Zl", "Zp") or character in "\t\v\f":
            kept.append(" ")
        elif character == "\u200d":
            following = text[position + 1 : position + 2]
            if kept and _is_pictograph(kept[-1]) and following and _is_pictograph(following):
                kept.append(character)
        elif category in ("Cc", "Cf", "Cs", "Co", "Cn") or marks > _MARKS_KEPT:
            continue
        else:
            kept.append(character)
    lines = (re.sub(r" +", " ", line).strip() for line in "".join(kept).split("\n"))
    # Taking characters out may bring together what composes.
    return unicodedata.normalize("NFC", re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip())


def _is_pictograph(character: str) -> bool:
    return unicodedata.category(character) in ("So", "Sk") or character == "\ufe0f"


def _seen(text: str) -> str:
    """The text as a reader takes it: compatible forms folded, digits in ASCII, one kind of dash."""
    folded = unicodedata.normalize("NFKC", clean(text))
    return "".join(_as_seen(character) for character in folded)


def _as_seen(character: str) -> str:
    if character.isascii():
        return character
    category = unicodedata.category(character)
    if category == "Pd" or character == "\u2212":
        return "-"
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if category in ("No", "Nl"):
        return str(unicodedata.digit(character, character))
    return "" if category in ("Me", "Cf") or character == "\ufe0f" else character


def _words(words: str) -> frozenset[str]:
    return frozenset(words.split())


# ------------------------------------------------------------------ personal data
_GAP = r"[-. ()/_]{0,3}"
_EMAIL = re.compile(
    r"@|\barroba\b|[\[({]\s*at\s*[\])}]|\b\w+ +(?:punto|dot|pwen) +(?:com|net|org|gob|gov|edu|do|ht)\b", re.IGNORECASE
)
_CEDULA = re.compile(rf"[0-9]{{3}}[- .]?[0-9]{{7}}[- .]?[0-9]|(?<![0-9])[0-9]{{3}}{_GAP}[0-9]{{7}}{_GAP}[0-9](?![0-9])")
_PHONE = re.compile(
    rf"[0-9]{{3}}[- .]?[0-9]{{3}}[- .]?[0-9]{{4}}|(?<![0-9])[0-9]{{3}}{_GAP}[0-9]{{3}}{_GAP}[0-9]{{4}}(?![0-9])"
    r"|\+ ?[0-9](?:[-. ()]{0,2}[0-9]){6,}"
    r"|\b(?:tel|cel|telf|whats?app|phone|mobile|nimewo|wasap)[^\W\d]*\W{0,3}[0-9](?:[-. ()]{0,2}[0-9]){5,}",
    re.IGNORECASE,
)
_DIGITS = re.compile(r"[0-9]{7,}|(?<![0-9])[0-9](?:[-. ()/_|*]{1,3}[0-9](?![0-9])){6,}")
_SPOKEN = _words(
    "cero uno dos tres cuatro cinco seis siete ocho nueve zero one two three four five six seven eight nine oh"
    " zewo en de twa kat senk sis set uit wit nef"
)

# As the form writes it, case and letters included; ours below go further.
_FORM_NAMES = re.compile(r"[A-ZÁÉÍÓÚÑÈÒÀ][a-záéíóúñèòàü]+[ ]+(de |del |de la |la )?[A-ZÁÉÍÓÚÑÈÒÀ][a-záéíóúñèòàü]+")
_LINKS_OF_NAMES = _words("de del la las los di van von")
_AGE = re.compile(
    r"[0-9]{1,2} *(?:anos?\b|year|yrs?\b|y/o\b|an gen|lane|an\b|zan\b)"
    r"|\b(?:edad|aged?|laj)(?: (?:de|es|of|is|li|se|li se))?\W{0,3}[0-9]{1,2}\b"
    r"|\b(?:once|doce|trece|catorce|quince|dieciseis|diecisiete|dieciocho|diecinueve|veinte|eleven|twelve"
    r"|[a-z]+teen|twenty|onz|douz|trez|katoz|kenz|sez|diset|dizuit|diznef)[- ]*(?:anos?\b|year|an\b|lane)"
)
_MONTH = (
    "(?:ene(?:ro)?|feb(?:rero)?|mar(?:zo)?|abr(?:il)?|mayo?|juni?o?|juli?o?|ago(?:sto)?|sep(?:t(?:iembre)?)?|setiembre|oct(?:ubre)?"
    "|nov(?:iembre)?|dic(?:iembre)?|january|february|march|april|june|july|august|september|october|november|december"
    "|janvye|fevriye|avril|jen|jiye|out(?= [0-9]{2})|septanm|oktob|novanm|desanm)"
)
_EXACT_DATE = re.compile(
    r"[0-9]{1,2}/[0-9]{1,2}/[0-9]{2,4}|\b[0-9]{1,2}[-.][0-9]{1,2}[-.](?:[0-9]{4}|[0-9]{2})\b"
    r"|\b[0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}\b"
    rf"|\b[0-9]{{1,2}}(?:st|nd|rd|th|ro|ero)?\W*(?:de |of )?{_MONTH}\b"
    r"|\b(?:january|february|march|april|may|june|july|august|september|october|november|december) [0-9]{1,2}\b"
)
_PHRASE = re.compile(
    r"se llama|me llamo|de nombre|nombre:|(?:su|mi) nombre es|apellido|apodo|apodad[oa]|cedula|pasaporte|expediente"
    r"|named |h(?:is|er) name|name is|surname|last name|passport|case number"
    r"|li rele|yo rele l\b|non li|paspo|kat idantite"
)
_CALLED = re.compile(r"\b(?:[Ll]lamad[oa]s?|[Cc]alled|[Aa]lias|[Rr]ele) [A-ZÀ-Þ][a-zß-ÿ]")


def personal_data(text: str, *, strict: bool) -> str | None:
    """Which kind of personal data a free text seems to hold, or None; the text itself is kept nowhere.

    Kinds: email, cedula, phone, digits7; with `strict`, for referrals and restricted activities, also names, age,
    exact_date, phrase. Not for links and numbers: the caller knows the question.
    """
    seen = _seen(text)
    for kind, pattern in (("email", _EMAIL), ("cedula", _CEDULA), ("phone", _PHONE), ("digits7", _DIGITS)):
        if pattern.search(seen):
            return kind
    if _spoken_digits(seen):
        return "digits7"
    if not strict:
        return None
    if _FORM_NAMES.search(seen) or _two_names(seen):
        return "names"
    if _CALLED.search(seen):
        return "phrase"
    folded = _folded(seen)
    for kind, pattern in (("exact_date", _EXACT_DATE), ("age", _AGE), ("phrase", _PHRASE)):
        if pattern.search(folded):
            return kind
    return None


def _folded(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", text.casefold()) if not unicodedata.combining(c))


def _spoken_digits(text: str) -> bool:
    """Seven digits in a row, said in words."""
    row = 0
    for word in normalise(text).split():
        row = row + 1 if word in _SPOKEN or (len(word) == 1 and word.isdecimal()) else 0
        if row >= 7:
            return True
    return False


def _two_names(text: str) -> bool:
    """Two capitalised words in a row, in any alphabet with capitals; "de", "los" between them do not count."""
    before = False
    for piece in re.finditer(r"[^\W\d_]+|[^\S\n]+|.", text, re.DOTALL):
        word = piece[0]
        if word.isspace() and word != "\n":
            continue
        is_name = len(word) > 1 and word[0].isupper() and word[1:].islower()
        if is_name and before:
            return True
        before = is_name or (before and word in _LINKS_OF_NAMES)
    return False


# ------------------------------------------------------------------ emergencies
_CRIES = _words("auxilio socorro sos ayudenme ayudennos anmwe sekou mayday")
_PERSON = (
    r"(?:alguien|gente|personas?|ninas?|ninos?|muchach[oa]s?|mujer(?:es)?|ella|el|ellas|ellos|victimas?|jovene?s?|menor(?:es)?"
    r"|adolescentes?|vida|vidas|somebody|someone|she|he|they|we|i|girls?|boys?|child|children|wom[ae]n|people|person|lives?"
    r"|moun|fanm|tifi|timoun|li|yo|mwen|nou)"
)
_NOW = r"(?:ya|ahora|ahora mismo|urgente|rapido|inmediato|de muerte|now|right now|urgently|kounye a|vit|touswit)"
_HARMED = r"(?:golpeando|pegando|matando|violando|secuestrando|atacando|amenazando|persiguiendo|maltratando)"
_HELD = r"(?:encerrad|secuestrad|retenid|amarrad|atrapad)[oa]s?"
_EMERGENCY = re.compile(
    rf"\b(?:estoy|estamos) en peligro\b|\b{_PERSON} (?:estan? en|corren?) peligro\b(?! de)"
    rf"|\bhay (?:(?:una?|unas|unos) )?{_PERSON} en peligro\b(?! de)"
    rf"|\ben peligro {_NOW}\b|\b(?:me|nos|la|lo|las|los|le) van a matar\b"
    rf"|\b(?:me|nos|la|lo|las|los|le) (?:esta|estan) {_HARMED}\b|\besta[n]? {_HARMED} a\b"
    rf"|\b(?:me|nos|la|lo|las|los) tienen? {_HELD}\b|\b(?:estoy|estamos) {_HELD}\b"
    rf"|\bayuda {_NOW}$|\b(?:necesito|necesitamos) ayuda (?:ya|ahora|urgente)\b|^urgente ayuda\b"
    rf"|\b(?:ayudame|ayudenme|ayudenos|ayudennos|help me|help us|ede m|ede nou) (?:por favor |please |tanpri )?{_NOW}\b"
    r"|\b(?:es|hay|tenemos|tengo) una emergencia\b(?! nacional| sanitaria)|\bllamen a la policia\b"
    r"|\bse esta muriendo\b|\bse (?:va a|quiere) (?:matar|suicidar)\b|\b(?:me quiero|quiero) (?:morir|matarme)\b"
    r"|\b(?:i am|we are|i m|we re|she is|he is|they are|someone is|somebody is) in danger\b(?! of)"
    r"|\b(?:is|are|am) being (?:beaten|attacked|raped|held|kidnapped|followed|tortured)\b"
    r"|\b(?:going to|gonna) kill (?:me|us|her|him|them)\b|\b(?:this is|it is|it s|we have|i have) an emergency\b"
    r"|\bcall the police\b|\b(?:she|he|someone|somebody) is dying\b|\b(?:want to die|kill myself)\b"
    rf"|\b(?:mwen|nou|li|yo|gen (?:yon )?{_PERSON}) an danje\b|\ban danje kounye a\b"
    r"|\b(?:y ap|yo ap) (?:touye|bat|vyole|kidnape) (?:mwen|m|li|l|nou|yo)\b"
    r"|\byo kidnape (?:mwen|m|li|l|nou|yo)\b|\brele lapolis\b|\bse yon ijans\b|\b(?:l ap|li ap|m ap) mouri\b"
)
_DENIED = re.compile(r"\b(?:no|nadie|ningun[oa]?|nobody|not|pa gen|pa|okenn|si|if|when|whether|cuando|riesgo de que)\b")


def emergency(text: str) -> bool:
    """Whether somebody seems to be in danger now, in any of the three languages (`err.emergency`).

    Reports speak of victims, danger and emergencies all day; so it takes a cry, or a person in danger in the
    present. "No hay nadie en peligro", "si alguien está en peligro" are not.
    """
    seen = re.sub(r"\bsí\b", "", _seen(text), flags=re.IGNORECASE)  # "sí" is not "si"
    whole = normalise(seen)
    if 1 <= len(whole.split()) <= 4 and _CRIES.intersection(whole.split()):
        return True
    # A "no" denies its own clause; a match across clauses must stand without any.
    clauses = [normalise(clause) for clause in re.split(r"[,.;:!?¡¿\n]", seen)]
    return any(_EMERGENCY.search(said) and not _DENIED.search(said) for said in (*clauses, whole))
