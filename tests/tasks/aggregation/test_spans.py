from __future__ import annotations

from tasks.aggregation.labels import Found, Merged, Reading
from tasks.aggregation.spans import fit_relations, fit_spans


def span(start, end, label="name"):
    return {"label": label, "start": start, "end": end}


def relation(source, target, label="of"):
    return {
        "label": label,
        "from": {"start": source[0], "end": source[1]},
        "to": {"start": target[0], "end": target[1]},
    }


def readings(*answers):
    return [Reading(1, worker, answer) for worker, answer in enumerate(answers)]


def consensus_of(*spans):
    return Merged({1: Found(list(spans), 1.0)}, {})


def test_the_commonest_pair_of_offsets_wins_not_their_mean():
    fit = fit_spans(readings([span(0, 5)], [span(0, 5)], [span(1, 9)], [span(0, 7)]))

    assert fit.consensus[1].value == [span(0, 5)]
    assert all(type(fit.consensus[1].value[0][side]) is int for side in ("start", "end"))


def test_a_tie_goes_to_the_longer_span_then_to_the_earlier():
    assert fit_spans(readings([span(2, 6)], [span(1, 6)])).consensus[1].value == [span(1, 6)]
    assert fit_spans(readings([span(2, 7)], [span(1, 6)])).consensus[1].value == [span(1, 6)]


def test_one_stretch_can_carry_two_labels():
    both = [span(0, 5, "city"), span(0, 5, "name")]

    assert fit_spans(readings(both, both[::-1], both)).consensus[1].value == both


def test_relations_are_put_to_the_vote_with_both_ends_and_the_label():
    shared, alone = relation((0, 4), (6, 9)), relation((6, 9), (0, 4))

    fit = fit_relations(readings([shared, alone], [shared], [shared]))

    assert fit.consensus[1].value == [shared]


def test_ends_are_moved_to_the_consensus_spans_they_overlap_most():
    drawn = [relation((0, 5), (6, 9)), relation((0, 4), (6, 9)), relation((0, 4), (7, 9))]

    fit = fit_relations(readings(*([one] for one in drawn)), consensus_of(span(0, 4), span(6, 9)))

    assert fit.consensus[1].value == [relation((0, 4), (6, 9))]
    assert fit.skills == {0: 1.0, 1: 1.0, 2: 1.0}


def test_the_same_offsets_come_before_a_longer_span_that_is_as_near():
    spans = consensus_of(span(0, 4), span(0, 8), span(10, 12))

    fit = fit_relations(readings([relation((0, 4), (10, 12))]), spans)

    assert fit.consensus[1].value == [relation((0, 4), (10, 12))]


def test_an_end_as_near_to_two_spans_goes_to_the_longer():
    # (2, 8) shares 4 of 6 code points with (4, 8) and 6 of 9 with (0, 9).
    spans = consensus_of(span(4, 8), span(0, 9), span(20, 22))

    fit = fit_relations(readings([relation((2, 8), (20, 22))]), spans)

    assert fit.consensus[1].value == [relation((0, 9), (20, 22))]


def test_two_relations_that_become_one_count_once():
    drawn = [relation((0, 4), (6, 9)), relation((0, 5), (6, 9))]

    fit = fit_relations(readings(drawn, drawn[:1]), consensus_of(span(0, 4), span(6, 9)))

    assert fit.consensus[1].value == [relation((0, 4), (6, 9))]
    assert fit.skills == {0: 1.0, 1: 1.0}


def test_a_relation_to_a_span_that_is_not_there_is_left_out():
    lost = relation((0, 4), (20, 25))

    fit = fit_relations(readings([lost], [lost]), consensus_of(span(0, 4)))

    assert fit.consensus[1].value == []


def test_a_task_without_consensus_spans_keeps_its_offsets():
    drawn = relation((0, 4), (6, 9))

    fit = fit_relations(readings([drawn], [drawn]), Merged({}, {}))

    assert fit.consensus[1].value == [drawn]


def test_no_spans_at_all_leave_nothing_to_relate():
    drawn = relation((0, 4), (6, 9))

    assert fit_relations(readings([drawn]), consensus_of()).consensus[1].value == []
