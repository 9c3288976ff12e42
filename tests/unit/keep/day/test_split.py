from dataclasses import replace
from uuid import uuid5

import numpy as np

from tests.contract.traffic import LOG, MIDNIGHT_US, MadeChain, MadeFlow, batch
from tests.story.elsewhere import record
from unmasq.base.clock import DAY_US
from unmasq.keep.day.split import by_day, halves, together
from unmasq.model.address import to_text
from unmasq.model.flowbatch import FlowBatch, Rejected
from unmasq.model.translation import Translations

DAY = MIDNIGHT_US // DAY_US


def spoken(part: FlowBatch) -> set[tuple[object, ...]]:
    """The batch without row numbers: what each flow, chain, request and address says, and of whom."""
    ids = part.flows.id_lo.tolist()
    chains = [(ids[flow], part.texts[text]) for flow, text in zip(part.chains.flow.tolist(), part.chains.headers.tolist(), strict=True)]
    asked = zip(*(column.tolist() for column in part.asked.as_dict().values()), strict=True)
    a = part.addresses
    addresses = zip(a.hi.tolist(), a.lo.tolist(), a.roles.tolist(), a.flow.tolist(), a.chain.tolist(), strict=True)
    return {
        *(("flow", number) for number in ids),
        *(("chain", *chain) for chain in chains),
        *(("asked", chains[chain], requests, *(part.texts[text] for text in texts)) for chain, *texts, requests in asked),
        *(("address", to_text(hi, lo), role, ids[flow], None if chain < 0 else chains[chain]) for hi, lo, role, flow, chain in addresses),
        *(("line", part.files[f], start) for f, start in zip(part.lines.file.tolist(), part.lines.start.tolist(), strict=True)),
    }


def over_midnight(first_id: int = 1, node: str = "node-1") -> FlowBatch:
    flows = [
        MadeFlow(minute=(-1) ** number * number, chains=(MadeChain((("x-real-ip", f"192.0.2.{number}"),), paths=("/", f"/{number}")),))
        for number in range(1, 6)
    ]
    return batch(
        flows, first_id=first_id, first_line=10 * first_id, node=node, rejected=[Rejected(DAY - 1, 4, 2, "x"), Rejected(DAY + 3, 1, 1, "")]
    )


def test_days_hold_what_the_batch_held():
    whole = over_midnight()
    parts = dict(by_day(whole))
    assert list(parts) == [DAY - 1, DAY, DAY + 3]
    assert [len(part) for part in parts.values()] == [3, 2, 0]
    assert set().union(*map(spoken, parts.values())) == spoken(whole)
    assert sum(len(spoken(part)) for part in parts.values()) == len(spoken(whole))
    assert [part.rejected for part in parts.values()] == [whole.rejected[:1], [], whole.rejected[1:]]


def test_a_day_takes_only_the_texts_it_uses():
    assert all("/2" not in part.texts or "/3" not in part.texts for _, part in by_day(over_midnight()))


def test_a_batch_of_one_day_is_not_copied():
    whole = batch([MadeFlow(), MadeFlow(minute=1)])
    assert [(day, part is whole) for day, part in by_day(whole)] == [(DAY, True)]


def test_an_empty_batch_has_no_day():
    assert list(by_day(batch([]))) == []


def test_put_together_says_what_the_parts_said():
    parts = [part for first in (1, 6, 11) for _, part in by_day(over_midnight(first))]
    (whole,) = together(parts)
    assert spoken(whole) == set().union(*map(spoken, parts))
    assert whole.rejected == [rejected for part in parts for rejected in part.rejected]
    assert set(whole.files) == {LOG}


def test_nodes_are_not_mixed():
    assert [each.node for each in together([over_midnight(1, "a"), over_midnight(6, "b"), over_midnight(11, "a")])] == ["a", "b"]


def telling(whole: FlowBatch, *ports: int) -> FlowBatch:
    return replace(whole, translations=Translations.concat([record(("192.0.2.1", port), 1) for port in ports]))


def ports(part: FlowBatch) -> list[int]:
    return list(part.translations.orig_source_port.tolist())


def test_translations_belong_to_no_day():
    whole = telling(over_midnight(), 1, 2)
    assert [len(part.translations) for _, part in by_day(whole)] == [0, 0, 0]
    assert [len(part.translations) for _, part in by_day(telling(batch([MadeFlow()]), 1))] == [0]
    assert list(by_day(telling(batch([]), 1))) == []


def test_halves_and_what_is_put_together_hold_each_translation_once():
    whole = telling(over_midnight(), 1, 2, 3)
    first, rest = halves(whole)
    assert [(len(part), ports(part)) for part in (first, rest)] == [(2, [1]), (3, [2, 3])]
    assert [part.id for part in (first, rest)] == [uuid5(whole.id, "first"), uuid5(whole.id, "rest")]
    (again,) = together([first, rest])
    assert (spoken(again), ports(again)) == (spoken(whole), [1, 2, 3])


def test_halves_of_a_batch_of_translations_alone():
    assert [ports(part) for part in halves(telling(batch([]), 1, 2))] == [[1], [2]]
    assert np.array_equal(halves(telling(batch([]), 1))[1].translations.orig_source_port, [1])
