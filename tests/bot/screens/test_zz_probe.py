import json, os
from datetime import timedelta
from tests.bot.screens.test_sentences import *
from tests.bot.screens.test_sentences import _answers, _words
MAP={"greeting":("greeting",),"thanks":("thanks",),"help":("ayuda",),"what-is-due":("pendientes","reportar"),"already-sent":("sent","historial"),
"cannot-today":("not_today",),"on-leave":("away",),"talk-to-person":("human",),"open-activity":("code","reportar","pendientes","buscar","plan"),"menu":("menu",),"cancel":("cancelar",),
"history":("historial",),"correct-last":("historial",),"change-language":("idioma",),"search":("buscar","institucion"),"digest":("resumen","page"),"remind-others":("recordar",),
"review-queue":("revisar",),"export":("exportar","page"),"settings":("ajustes","programar","idioma"),"stop-notices":("pausar",),"emergency":("EMERG",),"who-are-you":("ayuda",),
"forgot-how":("ayuda",),"evidence":("files",),"deadline":("pendientes","reportar","periodo"),"status-of-plan":("progreso","resumen","plan","page","colours"),"bug":("human",),
"praise":("thanks","agreed"),"complaint":("human",),"small-talk":("greeting","off","human","ayuda","thanks","agreed"),"unclear":("off","human")}
COORD={"remind-others","review-queue","digest","export","status-of-plan","history-all"}
@pytest.mark.parametrize("language", LANGUAGES)
def test_probe(desk, language):
    data=json.load(open(os.environ["PROBE"])).get(language,[])
    for writer in WRITES.values():
        tap(desk, writer, "idioma", language)
    right=0; out=[]
    for one in data:
        desk.now += timedelta(minutes=1)
        want=one["wants"]; who = CARMEN if want in COORD else ANA
        before=desk.state() if False else None
        handled=desk.say(who, one["text"])
        text="\n".join(said(handled, who))
        if want=="emergency": ok = _fixed_(language) in text
        else: ok = any(_answers(desk, who, handled, m, one["text"], language) for m in MAP[want])
        reacted=[r.method for r in handled.deliveries]
        right+=ok
        out.append(f"{'ok ' if ok else 'BAD'} {want:16} {one['text']!r} → {text[:110]!r} {list(_words(handled,who))[:3] if text else reacted}")
        tap(desk, who, "menu")
    open(f"/tmp/m/{os.path.basename(os.environ['PROBE'])}.{language}.txt","w").write(f"{right}/{len(data)}\n"+"\n".join(out)+"\n")
def _fixed_(language):
    from tests.bot.screens.test_sentences import _fixed
    return _fixed(wording(language)("err.emergency"))
