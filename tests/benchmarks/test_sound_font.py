from benchmarks.sound_font import INSTRUMENTS, RATE, TICKS_A_SECOND, Part, _delay


def ticks(data: bytes) -> int:
    number = 0
    for byte in data:
        number = number << 7 | byte & 127
    return number


def test_delays_are_written_as_midi_reads_them() -> None:
    assert _delay(0) == b"\x00"
    assert _delay(128 / TICKS_A_SECOND) == b"\x81\x00"  # an example of the standard
    for seconds in (0.3, 1.0, 1.5, 2.7, 60.0):
        written = _delay(seconds)
        assert ticks(written) == round(seconds * TICKS_A_SECOND)
        assert all(byte & 128 for byte in written[:-1])
        assert not written[-1] & 128


def test_a_part_plays_each_key_at_its_time_and_states_its_length() -> None:
    midi = Part(9, 25, [(36, 100), (38, 80)], every=3.0, held=0.3).midi()
    header, track = midi.split(b"MTrk")
    assert header.startswith(b"MThd")
    assert int.from_bytes(track[:4], "big") == len(track) - 4
    assert bytes([0xC9, 25]) in track
    on, off = bytes([0x99, 36, 100]), bytes([0x89, 36, 0])
    assert track.index(on) < track.index(off) < track.index(bytes([0x99, 38, 80]))
    assert _delay(2.7) + bytes([0x99, 38, 80]) in track


def test_notes_are_below_half_the_rate() -> None:
    for _, lowest, highest in INSTRUMENTS.values():
        assert lowest < highest
        assert 440 * 2 ** ((highest - 69) / 12) < RATE / 8
