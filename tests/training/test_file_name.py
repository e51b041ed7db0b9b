from sound_vae.file_name import plain, plain_names


def test_a_label_of_any_kind_is_the_name_of_a_file() -> None:
    assert plain("x" * 250) == "x" * 100
    assert plain("ä/../<b>\n") == "_b_"
    assert plain("") == "any"


def test_labels_that_look_the_same_have_names_of_their_own() -> None:
    assert plain_names(["a b", "a/b", "", "c", ""]) == ["a_b", "a_b-2", "any", "c", "any-2"]
