"""Photos, files and places in a conversation: fetched, refused, late, one of an album."""

from conversations.card import plain
from conversations.session.cards.session_card import notices_of, session_card
from conversations.session.effects import Fetch, Notice, Withhold
from conversations.session.events import (
    Fetched,
    FetchFailed,
    Located,
)
from conversations.wording import wording
from tests.conversations.session.phone import NOW
from tests.conversations.session.talk import Talk


def test_a_photo_sent_at_the_evidence_question_picks_photo() -> None:
    """Nobody should have to say first that a photo will follow."""
    talk = Talk().tap("En curso").tap("25").tap("Omitir").tap("No")
    assert talk.at == "evidence_type"

    talk.send_photo()
    assert talk.has(Fetch)

    talk.happen(Fetched("u1", "evidence_photo-1.jpg", "photo.jpg"))
    assert talk.answers["evidence_type"] == "photo"
    assert talk.at == "photo_ok"


def test_a_restricted_activity_offers_neither_photo_nor_place() -> None:
    """S10: not as a choice, not as a question, not if sent all the same."""
    talk = Talk(code="ASI-201", restricted=True)
    talk.tap("En curso").tap("25").tap("Omitir").tap("No")
    assert "Foto" not in str([b.text for r in talk.card.rows for b in r])

    talk.send_photo()
    assert talk.has(Withhold)
    assert "no usamos fotos" in talk.rejection()

    talk.happen(Located(18.5, -69.9, None, 999))
    assert talk.has(Withhold)

    talk.tap("Documento").send_document("image/png", "foto.png")
    assert talk.has(Withhold)

    talk.send_document()
    assert talk.has(Fetch)

    talk.happen(Fetched("u2", "acta.pdf", "acta.pdf")).tap("Omitir")
    assert talk.at == "next_step"  # no place asked


def test_a_file_too_large_is_refused_before_it_is_fetched() -> None:
    """20 MB is what the Bot API hands out."""
    talk = Talk().tap("En curso").tap("25").tap("Omitir").tap("No").tap("📷 Foto")
    talk.send_photo(size=30_000_000)

    assert not talk.has(Fetch)
    assert "20 MB" in talk.rejection()
    assert talk.at == "evidence_photo"


def test_a_file_that_cannot_be_fetched_leaves_the_question() -> None:
    """The failure says so."""
    talk = Talk().tap("En curso").tap("25").tap("Omitir").tap("No").tap("📷 Foto").send_photo()
    talk.happen(FetchFailed("u1", "file.failed"))

    assert talk.rejection()
    assert talk.at == "evidence_photo"
    assert "Recibiendo" not in talk.text


def test_of_an_album_the_first_file_is_kept_and_the_others_are_named() -> None:
    """A question takes one file."""
    talk = Talk().tap("En curso").tap("25").tap("Omitir").tap("No").tap("📷 Foto").send_photo("u1", album="g1")
    assert talk.has(Fetch)

    talk.send_photo("u9", album="g1")
    assert not talk.has(Fetch)
    assert talk.has(Notice)


def test_a_file_that_arrives_after_going_back_is_ignored() -> None:
    """It was for a question that is no longer asked."""
    talk = Talk().tap("En curso").tap("25").tap("Omitir").tap("No").tap("📷 Foto").send_photo()
    talk.tap("Atrás")
    before = talk.session
    talk.happen(Fetched("u1", "evidence_photo-1.jpg", "photo.jpg"))

    assert talk.session == before


def test_a_place_is_a_geopoint_with_its_accuracy() -> None:
    """ "lat lon alt accuracy", as ODK writes it; typed coordinates too."""
    talk = Talk().tap("En curso").tap("25").tap("Omitir").tap("No").tap("Sin evidencia").tap("📍")
    assert talk.card.asks_place
    talk.happen(Located(18.47, -69.9, 12.0, 500))
    assert [float(part) for part in talk.answers["gps"].split()] == [18.47, -69.9, 0, 12]


def test_a_place_that_is_sent_where_one_is_asked_whether_answers_both_questions() -> None:
    """ "¿Dónde se hizo?" is a choice; the paperclip is the obvious answer to it. Elsewhere no place is taken."""
    talk = Talk().tap("En curso").tap("25").tap("Omitir")
    talk.happen(Located(18.47, -69.9, None, 500))
    assert "no hace falta una ubicación" in talk.rejection()

    talk.tap("No").tap("Sin evidencia")
    assert talk.at == "place"

    talk.happen(Located(18.47, -69.9, 12.0, 501))
    assert talk.answers["place"] == "gps"
    assert [float(part) for part in talk.answers["gps"].split()] == [18.47, -69.9, 0, 12]
    assert talk.at == "next_step"


def test_a_place_that_is_sent_where_one_chooses_from_a_list_is_told_so_and_the_list_is_shown() -> None:
    """The provinces have no coordinates. A point on the map is not read as one of them, and is not passed over."""
    talk = Talk().tap("En curso").tap("25").tap("Omitir").tap("No").tap("Sin evidencia").tap("Por provincia")
    assert talk.at == "province"

    listed = [button.text for row in talk.card.rows for button in row]
    talk.happen(Located(18.47, -69.9, 12.0, 500))
    assert talk.rejection() == "Aquí no hace falta una ubicación: elija de la lista."
    assert talk.at == "province"
    assert [button.text for row in talk.card.rows for button in row] == listed


def sent_without_evidence() -> Talk:
    """A report that promises its evidence, opened for a correction: its answers are listed."""
    talk = Talk().tap("En curso").tap("25").tap("Omitir").tap("No").tap("La envío después").tap("Omitir").say("Seguir")
    return Talk(answers=talk.taken.instance.answers())


def test_a_file_finds_its_question_when_all_is_answered() -> None:
    """From the list of a sent report and from the review: nobody has to look for the evidence first."""
    for talk in (sent_without_evidence(), sent_without_evidence().tap("Atrás")):
        talk.send_photo()
        assert talk.at == "evidence_photo"

        talk.happen(Fetched("u1", "evidence_photo-1.jpg", "photo.jpg")).tap("Entendido").tap("Omitir")
        assert talk.answers["evidence_type"] == "photo"
        assert "¿Lo enviamos?" in talk.text


def test_a_file_takes_no_other_files_place_by_itself() -> None:
    """Which of two is meant is said by tapping it; the list says that, too."""
    talk = sent_without_evidence().send_photo()
    talk.happen(Fetched("u1", "evidence_photo-1.jpg", "photo.jpg")).tap("Entendido").tap("Omitir")
    talk.tap("Cambiar algo").send_document()
    assert not talk.has(Fetch)

    notices = notices_of(talk.effects, wording("es"))
    card = session_card(talk.form, talk.session, talk.taken.instance, now=NOW, notices=notices)
    assert f"⚠️ {notices[0]}" in plain(card)
    assert talk.answers["evidence_type"] == "photo"
