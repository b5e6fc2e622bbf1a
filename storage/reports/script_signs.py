"""The signs by which text is known as a program, whatever its name says.

A batch file that is named `acta.txt` is one renaming away from running. So a text is read to its end for what only
programs hold. People write "echo de menos", "Call Ana", "Del % total" and "Sub comisión (nueva)" in their reports. So a
word alone is no sign: the way in which a program writes it is.

Every run in a pattern is bounded, so the time is linear in the length of the text.
"""

import re
from typing import Final, Literal, NamedTuple

Where = Literal["line", "word", "any"]
BEGINNINGS: Final[dict[Where, str]] = {"line": r"^[ \t]{0,80}@?", "word": r"\b", "any": ""}
"""Where a sign begins. The signs of one beginning are searched for together."""
SHORT: Final = {" ": r"[ \t]{1,9}", "·": r"[ \t]{0,9}", "…": r"[^\n]{0,200}", "¶": r"[ \t]{0,9}\r?$"}
"""In a pattern: a gap, a gap that may be missing, something on the same line, the end of the line."""


class Sign(NamedTuple):
    """What a program of this language looks like, in a pattern of `re` with the signs of SHORT."""

    language: str
    where: Where
    pattern: str
    example: str


SIGNS: Final = (
    Sign("batch", "line", "echo (?:off|on)¶", "@echo off"),
    Sign("batch", "line", r"echo(?: |\.)…\n(?:…\n){0,9}?·@?pause¶", "echo hola\npause"),
    Sign("batch", "line", "(?:goto :|exit /b|setlocal¶|setlocal enable|endlocal¶)", "goto :eof"),
    Sign("batch", "line", r'set (?:/[ap] )?"?\w{1,60}=', "set x=1"),
    Sign("batch", "line", r"if (?:/i )?(?:not )?(?:exist \S{0,200}[\\.%]|errorlevel \d)", "if exist a.txt start a"),
    Sign("batch", "line", r"for (?:/[dflr]\b|%%?[a-z] in·\()", "for %%a in (*.doc) do x"),
    Sign("batch", "line", r"(?:call|copy|del|move|rd|rmdir|start) (?:/[a-z]\b|%\w{1,60}%|\S{0,200}\*\.)", "del *.doc"),
    Sign("batch", "line", r"(?:call|copy|del|move|start) \S{0,200}(?:[a-z]:\\|\.(?:bat|cmd|exe|vbs)\b)", "start a.exe"),
    Sign(
        "batch",
        "line",
        r"(?:attrib [+-][rhs]\b|taskkill /|shutdown [/-]|reg (?:add|delete) HK|net user )",
        "reg add HKCU",
    ),
    Sign("batch", "any", r"%(?:~[a-z]{0,9}\d|(?:appdata|comspec|temp|userprofile|systemroot|windir)%)", r"x %TEMP%\x"),
    Sign("batch", "word", r"(?:cmd(?:\.exe)? /[ck]\b|(?:powershell|certutil)(?:\.exe)? -[a-z])", "x & cmd /c calc"),
    Sign(
        "batch", "word", r"(?:mshta|rundll32|regsvr32|[cw]script)(?:\.exe)? (?:/|\S{1,200}\.[a-z])", "mshta http://e.e"
    ),
    Sign("registry", "line", "(?:Windows Registry Editor Version|REGEDIT4¶)", "REGEDIT4"),
    Sign("shortcut", "line", r"\[(?:InternetShortcut|Desktop Entry|autorun)\]", "[InternetShortcut]"),
    Sign("PowerShell", "word", r"(?:Invoke-(?:Expression|WebRequest|Command|Item)|Start-Process)\b", "x | Invoke-Item"),
    Sign("PowerShell", "word", r"(?:Write-(?:Host|Output)|New-Object|Remove-Item|Set-Content)\b", "Write-Host x"),
    Sign("PowerShell", "word", r"(?:Get-(?:Content|ChildItem|Item|Process)|Set-ExecutionPolicy|IEX·\()", "Get-Item x"),
    Sign("PowerShell", "any", r"\[(?:System\.[\w.]{1,60}|Convert|Text\.Encoding)\]::", "[System.IO.File]::Delete(1)"),
    Sign("PowerShell", "line", r"""\$\w{1,60}·=·(?:["'@\[]|new-|get-)""", "$x = 'hola'"),
    Sign("VBScript", "word", r'(?:CreateObject|GetObject|ExecuteGlobal)·\(·["\w]', 'Set x = CreateObject("x")'),
    Sign("VBScript", "word", r"WScript\.[a-z]", "WScript.Quit"),
    Sign(
        "VBScript",
        "line",
        r"(?:Option Explicit|On Error (?:Resume|GoTo)|Dim \w{1,60} As \w|End (?:Sub|If)¶)",
        "End Sub",
    ),
    Sign("VBScript", "line", r"(?:Private |Public )?(?:Sub|Function) \w{1,60}\([^()\n]{0,200}\)·¶", "Sub AutoOpen()"),
    Sign("VBScript", "line", r'(?:MsgBox|InputBox)·["(]', 'MsgBox "hola"'),
    Sign("shell", "line", "#!·/", "\n#!/bin/sh"),
    Sign("shell", "word", r"(?:rm -[rfv]{1,3}|chmod (?:\+[rwx]|\d{3})|(?:ba|z|da)?sh -c)\b", "x; rm -rf ~"),
    Sign("shell", "word", r"(?:curl|wget) (?:-[a-z]|https?:)", "curl -s http://e"),
    Sign("shell", "any", r"(?:/bin/(?:ba|z|da)?sh\b|>·/dev/(?:null|tcp)\b)", "x >/dev/null"),
    Sign("shell", "line", r"(?:if|while|until) \[{1,2} …(?:;|\n)·(?:then|do)\b", "if [ -f x ]; then"),
    Sign("shell", "line", r"(?:for \w{1,60} in …;·do\b|export \w{1,60}=|\w{1,60}=(?:\$\(|`))", "for f in *; do"),
    Sign("JavaScript", "word", r"""(?:eval|atob|unescape|set(?:Timeout|Interval))\(["'\w]""", "eval('x')"),
    Sign(
        "JavaScript",
        "word",
        r"(?:document\.(?:write|cookie|location|getEl)|window\.(?:location|open))",
        "window.open(x)",
    ),
    Sign("JavaScript", "word", r"(?:console\.log|new (?:ActiveXObject|Function))·\(", "console.log(x)"),
    Sign("JavaScript", "word", r"function·\w{0,60}·\([^()\n]{0,200}\)·\{", "function x(a) {"),
    Sign("JavaScript", "any", r"\)·=>·\{", "x.map((y) => {"),
    Sign("JavaScript", "line", r"(?:var|let|const) [\w$]{1,60}·=·\S", "var x = 1;"),
    Sign("JavaScript", "word", r"""require\(["']""", "x = require('fs')"),
    Sign("Python", "line", r"def \w{1,60}·\([^()\n]{0,200}\)[^:\n]{0,60}:¶", "def x(y):"),
    Sign("Python", "line", r"import (?:os|sys|subprocess|socket|ctypes)\b", "import os"),
    Sign("Python", "word", r"(?:os\.(?:system|popen|remove)|subprocess\.\w{1,20}|__import__)\(", "os.system('x')"),
    Sign("Perl", "line", r"(?:use strict;|package \w{1,60};)", "use strict;"),
    Sign("PHP", "any", r"<(?:\?(?:php\b|=)|%[@=])", "hola <?php x();"),
)

_SHORT: Final = re.compile("[" + "".join(SHORT) + "]")


def _compiled(where: Where) -> re.Pattern[str]:
    patterns = [_SHORT.sub(lambda found: SHORT[found[0]], sign.pattern) for sign in SIGNS if sign.where == where]
    return re.compile(f"{BEGINNINGS[where]}(?:{'|'.join(patterns)})", re.IGNORECASE | re.MULTILINE)


_SEARCHED: Final = tuple(map(_compiled, BEGINNINGS))


def is_program(text: str) -> bool:
    """Whether any sign is in the text."""
    return any(each.search(text) for each in _SEARCHED)
