"""Which setting the doctor names."""

from unmasq.find.advice import setting, template


def test_messages_that_were_cut_are_a_matter_of_their_length():
    assert "`len` of HAProxy" in setting({"too_long": 20, "injected": 1}, {"marker": 22})


def test_nobody_guesses_whose_lines_have_our_marker():
    assert template({"marker": 9, "envoy": 1}) == "unmasq config template NAME prints the setting"
    assert template({"envoy": 1}) == "unmasq config template envoy prints the setting"
