"""What lasts is said once, and again when it was over or is another."""

from unmasq.base.notes import Level, Notes, Standing


def test_what_was_so_twice_in_a_row_is_said_once_while_it_lasts():
    said: list[str] = []
    standing = Standing(said.append)
    looks: list[list[str]] = [["half"], ["bad"], ["bad", "worse"], ["bad", "worse"], ["worse"], ["worse"], ["bad"], ["bad"]]
    for look in looks:
        standing.are(look)
    assert said == ["bad", "worse", "bad"]


def test_what_is_the_matter_is_said_at_any_level_until_it_changes_or_is_over():
    for most in (Level.PANIC, Level.TRACE):
        said: list[str] = []
        notes = Notes(most, said.append)
        for text in ("nobody", "nobody", "refused", "refused", "nobody"):
            notes.now("peer", text)
        notes.over("peer")
        notes.now("peer", "nobody")
        assert said == [f"warning: {text}" for text in ("nobody", "refused", "nobody", "nobody")]
