"""What a screen is made of: a text that is too long for its place."""

import pytest

from conversations.card import cut


@pytest.mark.parametrize(
    ("text", "limit", "shown"),
    [
        ("Mapa de servicios por provincia", 34, "Mapa de servicios por provincia"),
        ("Mapa de servicios por provincia", 24, "Mapa de servicios por…"),
        ("Mapa de servicios por provincia", 22, "Mapa de servicios por…"),
        ("Condamnations pour exploitation d'enfants (nationales)", 46, "Condamnations pour exploitation d'enfants…"),
        ("Personas sensibilizadas, capacitadas y atendidas", 26, "Personas sensibilizadas…"),
        ("Electroencefalografista principal", 12, "Electroence…"),
        ("a_file_name_without_any_blank.pdf", 16, "a_file_name_wit…"),
        ("uno dos", 1, "…"),
    ],
)
def test_a_text_is_cut_at_the_end_of_a_word(text: str, limit: int, shown: str) -> None:
    """Never longer than its place; a word that takes most of it is cut all the same."""
    assert cut(text, limit) == shown
    assert len(shown) <= limit


def test_no_place_is_exceeded_and_what_is_kept_is_the_beginning() -> None:
    """Whatever the limit is."""
    text = "Protocolo de referimiento (nacional): «primera» versión – 2019, con anexos"
    for limit in range(1, len(text) + 1):
        kept = cut(text, limit)
        assert len(kept) <= limit
        assert text.startswith(kept.removesuffix("…"))
