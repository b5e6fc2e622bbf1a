"""The bar and the panel of the page: the clock, the faults, the bot killed and started, updates beside calls."""

import re
import urllib.error
import urllib.request

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.page import (
    MiniBot,
    Opened,
    Process,
    api,
    last,
    phone,
    sandbox_process,
    supervised,
    write,
)

pytestmark = pytest.mark.browser


# ---------------------------------------------------------------- the bar
def test_the_clock_is_moved_from_the_bar(opened: Opened, browser: Browser) -> None:
    """An hour, a day, the next Monday 08:30 and any later moment, in Santo Domingo's time, on bar and phones."""
    with sandbox_process() as fresh:
        page = opened(fresh.url, timezone_id="Europe/Madrid")
        yesenia = phone(page, fresh.person())
        now = page.locator(".now")
        expect(now).to_contain_text("miércoles, 3 de octubre de 2018")
        expect(now).to_contain_text("08:00:")

        page.get_by_role("button", name="+1 h").click()
        expect(now).to_contain_text("09:00:")
        page.get_by_role("button", name="+1 día").click()
        expect(now).to_contain_text("jueves, 4 de octubre")
        page.get_by_role("button", name="Lunes 08:30").click()
        expect(now).to_contain_text(re.compile("lunes, 8 de octubre de 2018 ?08:30:0"))
        page.get_by_role("button", name="Lunes 08:30").click()
        expect(now).to_contain_text("lunes, 15 de octubre de 2018")
        page.get_by_label("Ir a esta fecha y hora").fill("2018-12-24T18:45")
        page.get_by_role("button", name="Ir", exact=True).click()
        expect(now).to_contain_text(re.compile("lunes, 24 de diciembre de 2018 ?18:45:0"))
        expect(yesenia.locator(".status-time")).to_have_text("18:45")

        page.get_by_label("Ir a esta fecha y hora").fill("2018-11-01T08:00")
        page.get_by_role("button", name="Ir", exact=True).click()
        expect(page.get_by_role("alert")).to_contain_text("solo avanza")


def test_switches_reach_the_sandbox(sandbox: Process, bot: MiniBot, opened: Opened) -> None:
    """Telegram down, slow network and limits; a message written meanwhile is answered when Telegram is back."""
    page = opened()
    yesenia = phone(page, sandbox.person())
    down = page.get_by_role("switch", name="Telegram caído")

    limits, network = page.get_by_role("switch", name="Límites de envío"), page.get_by_role("combobox", name="Red")

    try:
        down.check()
        network.select_option(label="lenta, 0,3 s")
        limits.check()
        expect(network).to_have_value("0.3")
        write(yesenia, "¿Está ahí?")
        expect(last(yesenia)).to_contain_text("¿Está ahí?")
        state = api(sandbox.url, "/sandbox/state")
        limits.uncheck()
        network.select_option(label="normal")
        down.uncheck()
        expect(down).not_to_be_checked()
    finally:
        api(sandbox.url, "/sandbox/switches", {"down": False, "latency": 0, "limits": False})

    assert (state["down"], state["latency"], state["limits"]) == (True, 0.3, True)
    expect(last(yesenia)).to_contain_text("Eco: ¿Está ahí?")


def test_the_bar_says_whether_the_bot_is_there(opened: Opened, bot: MiniBot, sandbox: Process) -> None:
    """Polling, or not seen yet; without a supervisor there is nothing to kill or start."""
    page = opened()
    expect(page.locator(".bot-status")).to_have_text("Bot conectado")
    expect(page.locator(".supervisor button")).to_have_count(0)

    with sandbox_process() as fresh:
        lonely = opened(fresh.url)
        expect(lonely.locator(".bot-status")).to_have_text("El bot aún no se ha conectado")


def test_the_bot_is_killed_and_started_where_a_supervisor_offers_it(bot: MiniBot, opened: Opened) -> None:
    """The buttons say what the supervisor says; restarting is killing, then starting."""
    page = opened()
    orders = supervised(page)
    with page.expect_response(lambda response: "start" in (response.request.post_data or "")):
        page.get_by_role("button", name="Apagar y encender").click()
    page.get_by_role("button", name="Apagar el bot").click()

    expect(page.locator(".bot-status")).to_contain_text("Bot detenido")
    page.get_by_role("button", name="Encender el bot").click()
    expect(page.locator(".bot-status")).to_contain_text("Bot conectado")
    assert orders == ["kill", "start", "kill", "start"]


def test_the_clock_goes_to_the_moments_of_the_plan(opened: Opened, browser: Browser) -> None:
    """Those still to come, each with its day; one that has passed is no longer offered; the zone is written."""
    with sandbox_process() as fresh:
        page = opened(fresh.url)
        moments = [{"name": "due", "at": 1538744400}, {"name": "locks", "at": 1539576000},
                   {"name": "opening", "at": 1541077200}]  # fmt: skip
        supervised(page, figures=None, moments=moments)
        offered = page.locator(".moments button")
        expect(offered).to_have_text(["Vence5 oct", "Cerrado15 oct", "Abre1 nov"])
        expect(page.locator(".now .zone")).to_have_text("Santo Domingo, UTC−4")

        page.get_by_role("button", name="Cerrado").click()

        expect(page.locator(".now")).to_contain_text(re.compile("lunes, 15 de octubre de 2018 ?00:00:0"))
        expect(offered).to_have_text(["Abre1 nov"])


def test_each_fault_says_what_to_look_for(sandbox: Process, opened: Opened) -> None:
    """In a line below the bar while it lasts: Telegram down, slow network, a block, the bot killed."""
    page = opened()
    person = sandbox.person("Miguelina Rosario")
    supervised(page)
    hints = page.locator("#hints")
    expect(phone(page, person)).to_be_visible()
    expect(hints).to_be_hidden()
    try:
        page.get_by_role("switch", name="Telegram caído").check()
        expect(hints).to_contain_text("el bot no alcanza a Telegram")
        expect(phone(page, person).locator(".wait-note")).to_contain_text("El bot no alcanza a Telegram")
        page.get_by_role("combobox", name="Red").select_option(label="lenta, 0,3 s")
        expect(hints).to_contain_text("cada mensaje entre el bot y Telegram tarda 0,3 s")
    finally:
        api(sandbox.url, "/sandbox/switches", {"down": False, "latency": 0})
    api(sandbox.url, f"/sandbox/chats/{person}/block", {})
    expect(hints).to_have_text(re.compile("^Qué mirar: Miguelina Rosario bloqueó el bot"))
    page.get_by_role("button", name="Apagar el bot").click()
    expect(hints).to_contain_text("el bot está apagado, Telegram no")
    api(sandbox.url, f"/sandbox/chats/{person}/unblock", {})


# ---------------------------------------------------------------- what the bot did
def test_the_panel_puts_updates_and_calls_together(sandbox: Process, bot: MiniBot, opened: Opened) -> None:
    """Who did what, what the bot called because of it and how that ended; never the words, which are on the phones."""
    page = opened()
    person = sandbox.person("Altagracia Polanco")
    altagracia = phone(page, person)
    page.get_by_role("button", name="Qué hizo el bot").click()
    panel = page.get_by_role("complementary", name="Qué hizo el bot")
    events = panel.locator(".event").filter(has_text="Altagracia Polanco")

    write(altagracia, "/tarjeta")
    expect(events.first).to_contain_text("envió un mensaje")
    expect(events.first.locator(".call")).to_contain_text(["envió un mensaje"])
    altagracia.get_by_role("button", name="Presupuesto").click()
    expect(events.first).to_contain_text("tocó un botón")
    expect(events.first.locator(".call")).to_contain_text(["cambió su tarjeta", "contestó el toque"])

    api(sandbox.url, f"/sandbox/chats/{person}/block", {})
    with pytest.raises(urllib.error.HTTPError) as refused:
        bot.say(person, "Secreto de Altagracia")
    refused.value.close()
    refusal = panel.locator(".call.bad").first
    expect(refusal).to_contain_text("Telegram no lo aceptó")
    expect(refusal.locator("code")).to_be_hidden()
    panel.get_by_text("Para ingenieros").click()
    expect(refusal.locator("code")).to_have_text("sendMessage · 403: Forbidden: bot was blocked by the user")
    expect(panel).not_to_contain_text("Secreto")
    expect(panel).not_to_contain_text("frenando")
    expect(panel.locator(".numbers").first).to_be_hidden()


def test_the_panel_counts_where_somebody_counts(sandbox: Process, opened: Opened) -> None:
    """Updates, commits, units per commit, fires, and the outbox by state; in the page's language."""
    page = opened()
    counted = {"updates": 1500, "commits": 400, "units": 1000, "fires": 3, "queued": 1, "sending": 2, "sent": 900,
               "retried": 4, "ambiguous": 0, "undeliverable": 5}  # fmt: skip
    supervised(page, figures=counted, moments=[])
    page.get_by_role("button", name="Qué hizo el bot").click()
    figures = page.locator(".figure dd")

    expect(figures).to_have_text(["1500", "3", "1", "2", "900", "4", "0", "5", "400", "2,5"])
    expect(figures.last).to_be_hidden()
    page.get_by_text("Para ingenieros").click()
    expect(figures.last).to_be_visible()
    page.get_by_label("Idioma de la página").select_option("en")
    expect(figures.first).to_have_text("1,500")
    expect(page.locator(".figure").last).to_have_text("tasks per storing2.5", use_inner_text=False)
    page.get_by_role("complementary").get_by_role("button", name="Close").click()
    expect(page.get_by_role("button", name="What the bot did")).to_be_focused()


def test_the_tour_is_offered_only_where_it_can_be_taken(sandbox: Process, opened: Opened) -> None:
    """A sandbox alone has neither the tour's people nor a bot to kill; the table itself is whole in every language."""
    page = opened()
    expect(phone(page, sandbox.person())).to_be_visible()
    expect(page.get_by_role("button", name="Recorrido")).to_be_hidden()
    expect(page.locator("#tour")).to_be_hidden()

    steps = page.evaluate(
        "import('/page/steps.js').then(({ SHORT, STEPS }) =>"
        " [...SHORT, ...STEPS].map(({ name, es, en, fr, ht }) => [name, es, en, fr, ht]))"
    )

    assert len({name for name, *_ in steps}) == len(steps) == 3 + 14
    assert all(len(words) == 3 and all(words) for _, *languages in steps for words in languages)


def test_an_empty_sandbox_says_so_and_lends_a_phone(opened: Opened, browser: Browser) -> None:
    """No one enrolled: a sentence and a button; the new phone appears and can begin."""
    with sandbox_process() as fresh:
        page = opened(fresh.url)
        expect(page.get_by_role("heading", name="Aún no hay nadie inscrito")).to_be_visible()

        page.locator(".nobody").get_by_role("button", name="Agregar persona").click()
        page.get_by_label("Nombre").fill("Rafael Peña")
        page.get_by_label("Cargo").fill("Coordinación, CITIM")
        page.get_by_label("Nombre").press("Enter")

        rafael = page.get_by_role("region", name="Teléfono de Rafael Peña")
        expect(rafael).to_contain_text("Coordinación, CITIM")
        expect(rafael.locator(".avatar").first).to_have_text("RP")
        expect(rafael.get_by_role("button", name="Iniciar")).to_be_visible()
        expect(page.get_by_text("Aún no hay nadie inscrito")).to_have_count(0)
