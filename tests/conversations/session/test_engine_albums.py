"""An album at a file question: each file one instance of its repeat, in order, all kept; or told why not."""

import random
from typing import Self

import pytest

from conversations.session.cards.session_card import notices_of
from conversations.session.effects import Fetch, Reject, Stale, Withhold
from conversations.session.events import Fetched, FetchFailed, Offered, Resumed, Tap
from conversations.wording import wording
from tests.conversations.session.phone import Phone, made

COLUMNS = "type | name | label | required | repeat_count | relevant"
OPEN = """
begin repeat | evidence | Evidencia | | |
image | photo | Envíe la foto | yes | |
text | caption | ¿Qué se ve? | | |
end repeat | | | | |
text | next | ¿Qué sigue? | yes | |
"""
ALONE = OPEN.replace("text | caption | ¿Qué se ve? | | |\n", "")
COUNTED = ALONE.replace("Evidencia | |", "Evidencia | | 2")
PEOPLE = OPEN.replace("¿Qué se ve? | |", "¿Quién es? | yes |")
ONE = "image | photo | Envíe la foto | yes | |\ntext | next | ¿Qué sigue? | yes | |"


class Chat(Phone):
    """A session whose files arrive when the test says so."""

    def __init__(self, rows: str) -> None:
        self.fetches: list[Fetch] = []
        super().__init__(made(rows, columns=COLUMNS))

    @property
    def at(self) -> str:
        return self.session.at

    def fetch(self, wanted: Fetch) -> None:
        self.fetches.append(wanted)

    def send(self, *names: str, album: str = "g1", kind: str = "photo", size: int = 1000, caption: str = "") -> Self:
        for name in names:
            self.messages += 1
            mime = "image/jpeg" if kind == "photo" else "video/mp4"
            self.happen(Offered(kind, f"f-{name}", name, "", mime, size, album, self.messages, caption))  # type: ignore[arg-type]
        return self

    def arrive(self, *, fails: bool = False) -> Self:
        """The file that is being fetched arrives, under the ref of its Fetch."""
        wanted = self.fetches[-1]
        assert wanted.unique_id == self.session.fetching
        if fails:
            return self.happen(FetchFailed(wanted.unique_id, "file.failed"))
        return self.happen(Fetched(wanted.unique_id, f"{wanted.unique_id}.jpg", f"{wanted.unique_id}.jpg"))

    def arrive_all(self) -> Self:
        while self.session.fetching:
            self.arrive()
        return self

    def tap(self, action: str) -> Self:
        return self.happen(Tap(self.session.turn, action))  # type: ignore[arg-type]

    @property
    def photos(self) -> dict[str, str]:
        answers = self.taken.instance.answers()
        return {ref.removeprefix("/data/"): value for ref, value in answers.items() if ref.endswith("/photo") and value}

    @property
    def said(self) -> list[str]:
        return notices_of(self.taken.effects, wording("es"))


def three(*names: str) -> dict[str, str]:
    return {f"evidence[{number}]/photo": f"{name}.jpg" for number, name in enumerate(names, 1)}


def test_each_file_of_an_album_fills_an_instance_and_the_card_says_how_many() -> None:
    """In the order in which they were sent; one is fetched at a time, each for its own instance."""
    chat = Chat(ALONE).send("a", "b", "c")
    assert [each.unique_id for each in chat.fetches] == ["a"]
    assert "Recibiendo los archivos… Faltan 3." in chat.text

    chat.arrive_all()
    assert [(each.unique_id, each.ref) for each in chat.fetches] == [
        ("a", "/data/evidence[1]/photo"),
        ("b", "/data/evidence[2]/photo"),
        ("c", "/data/evidence[3]/photo"),
    ]
    assert chat.photos == three("a", "b", "c")
    assert chat.at == "/data/evidence[+]"
    assert "Guardé 3 archivos." in chat.text
    assert "Recibiendo" not in chat.text


def test_what_may_be_said_of_each_file_is_asked_when_all_are_there() -> None:
    """The first caption, then the second, then whether there is another."""
    chat = Chat(OPEN).send("a", "b").arrive_all()
    assert chat.at == "/data/evidence[1]/caption"

    chat.say("La sala").say("El patio")
    assert chat.at == "/data/evidence[+]"


@pytest.mark.parametrize("said", [(), ("La sala",)])
def test_a_second_batch_of_the_album_is_kept_too(said: tuple[str, ...]) -> None:
    """Wherever the session stands by then: at a caption, or behind the repeat."""
    chat = Chat(OPEN if said else ALONE).send("a", "b").arrive_all()
    for text in said:
        chat.say(text)
    chat.send("c").arrive_all()

    assert chat.photos == three("a", "b", "c")
    assert "Guardé 3 archivos." in chat.said


def test_a_second_batch_finds_the_repeat_after_it_was_left() -> None:
    """Somebody was quick to say that there are no more. The form goes on where they were."""
    chat = Chat(ALONE).send("a").arrive_all().tap("done")
    assert chat.at == "/data/next"

    chat.send("b")
    assert chat.fetches[-1].ref == "/data/evidence[2]/photo"

    chat.arrive_all()
    assert chat.photos == three("a", "b")


def test_one_file_more_may_be_sent_behind_the_repeat() -> None:
    """The paperclip is the obvious answer to "another one?"."""
    chat = Chat(ALONE).send("a", album="").arrive_all()
    assert chat.said == []

    chat.send("b", album="").arrive_all()
    assert chat.photos == three("a", "b")
    assert chat.said == []


def test_a_text_between_the_files_is_refused_and_takes_nothing_away() -> None:
    """The question asks for a photo. The others keep coming."""
    chat = Chat(ALONE).send("a", "b").say("ya casi")
    assert chat.has(Reject)

    chat.send("c").arrive_all()
    assert chat.photos == three("a", "b", "c")


def test_a_file_that_fails_is_told_at_the_end_and_the_others_are_kept() -> None:
    """The card changes with each file, so its reason is said again when the last one has arrived."""
    chat = Chat(ALONE).send("a", "b", "c", "d").arrive().arrive(fails=True).arrive_all()
    assert chat.photos == three("a", "c", "d")
    assert chat.said == ["Guardé 3 archivos.", wording("es")("file.failed")]

    chat = Chat(ALONE).send("a", "b").arrive().arrive(fails=True)
    assert chat.photos == three("a")
    assert chat.at == "/data/evidence[2]/photo"
    assert chat.said == [wording("es")("file.failed")]


def test_a_file_that_the_question_does_not_take_is_told_at_the_end_too() -> None:
    """Too large, a film among the photos, a telephone number in the words: whichever place it has in the album."""
    chat = Chat(ALONE).send("a").send("film", kind="video").send("b").send("c", size=30_000_000).arrive_all()
    assert chat.photos == three("a", "b")
    assert chat.said[0] == "Guardé 2 archivos."
    assert [message for message in chat.said if "20 MB" in message]
    assert len(chat.said) == 3

    chat = Chat(ALONE).send("a", caption="Llame al 809-555-0199")
    assert chat.has(Withhold)

    chat.send("b", "c").arrive_all()
    assert chat.photos == three("b", "c")
    assert chat.said == ["Guardé 2 archivos.", wording("es")("err.pii_file")]


def test_a_counted_repeat_takes_as_many_as_it_counts() -> None:
    """The rest is told, with what to do."""
    chat = Chat(COUNTED).send("a", "b", "c", "d").arrive_all()
    assert chat.photos == three("a", "b")
    assert chat.at == "/data/next"
    assert chat.said == ["Guardé 2 archivos.", wording("es")("file.no_room", n=2)]

    chat.send("e")
    assert chat.said == [wording("es")("file.no_room", n=1)]
    assert chat.at == "/data/next"


@pytest.mark.parametrize("rows", [ONE, PEOPLE])
def test_a_question_that_takes_one_file_says_so_once(rows: str) -> None:
    """Three photos are not three people."""
    chat = Chat(rows).send("a", "b")
    assert "solo el primer archivo" in chat.said[0]
    assert "envíelo solo" in chat.said[0]

    chat.send("c", "d")
    assert chat.said == []

    chat.arrive_all()
    assert list(chat.photos.values()) == ["a.jpg"]
    assert len(chat.fetches) == 1


def test_who_goes_back_meanwhile_is_told_what_was_not_kept() -> None:
    """What arrives later is ignored; the file that was taken stays."""
    chat = Chat(ALONE).send("a", "b", "c").arrive().tap("back")
    assert chat.said == [wording("es")("file.left_behind", n=2)]
    assert chat.photos == three("a")
    assert chat.session.coming == 0

    before = chat.session
    chat.happen(Fetched("b", "b.jpg", "b.jpg"))
    assert chat.has(Stale)
    assert chat.session == before


def test_a_new_album_at_a_file_that_is_there_replaces_it_and_adds_the_others() -> None:
    """What was kept before is not overwritten by the second file."""
    chat = Chat(ALONE).send("a", "b").arrive_all()
    chat.happen(Tap(chat.session.turn, "change", "1"))
    chat.send("c", "d", album="g2").arrive_all()
    assert chat.photos == three("c", "b", "d")


@pytest.mark.parametrize("seed", range(40))
def test_however_the_parts_come_each_is_kept_once_in_its_order(seed: int) -> None:
    """Parts, arrivals, words and a look at the card in any order; two albums and a photo by itself."""
    chance = random.Random(seed)
    coming = [(f"p{number}", chance.choice(("g1", "g1", "g2", ""))) for number in range(chance.randint(2, 8))]
    names = [name for name, _ in coming]
    chat = Chat(ALONE)
    while coming or chat.session.fetching:
        match chance.choice(("part", "part", "arrive", "say", "resume")):
            case "part" if coming:
                name, album = coming.pop(0)
                chat.send(name, album=album)
            case "arrive" if chat.session.fetching:
                chat.arrive()
            case "say" if chat.session.fetching:
                chat.say("ya casi")
            case "resume":
                chat.happen(Resumed())
    assert chat.photos == three(*names)
    assert [each.unique_id for each in chat.fetches] == names
    assert chat.at == "/data/evidence[+]"
