"""A schema of a test goes away, whoever is still at work in it: tests that kill processes leave such behind."""

import pytest
import scratch
from sqlalchemy import Engine, create_engine, inspect, make_url, text
from sqlalchemy.exc import OperationalError


def test_a_schema_goes_away_though_somebody_has_locked_a_table_of_it(postgres_server: Engine) -> None:
    with scratch.schema() as url:
        engine = create_engine(url)
        left = engine.connect()
        left.execute(text("CREATE TABLE busy (id integer)"))
        left.commit()
        left.execute(text("LOCK TABLE busy"))
    with pytest.raises(OperationalError):
        left.execute(text("SELECT 1"))
    left.invalidate()
    engine.dispose()
    name = str(make_url(url).query["options"]).removeprefix("-csearch_path=")
    assert name not in inspect(postgres_server).get_schema_names()
