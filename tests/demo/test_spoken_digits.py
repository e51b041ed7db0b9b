"""The voice that speaks the demo's digits."""

from demo import spoken_digits


def test_each_word_sounds_different_in_each_manner() -> None:
    speaker = spoken_digits.Speaker()
    seven = speaker.say("seven", "en-us+f2", 155, 55)
    rate = spoken_digits.SAMPLE_RATE
    assert 0.2 * rate < len(seven) < 1.5 * rate
    assert abs(seven).max() > 5000
    others = [
        speaker.say("two", "en-us+f2", 155, 55),
        speaker.say("seven", "en-us+m3", 155, 55),
        speaker.say("seven", "en-us+f2", 190, 55),
        speaker.say("seven", "en-us+f2", 155, 20),
    ]
    assert all(seven.tobytes() != other.tobytes() for other in others)
