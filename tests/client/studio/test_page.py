"""The page in a real browser, as somebody uses it."""

import base64
import io
import json
import re
import time
import wave
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from client.studio import application
from tests.client.fake_endpoint import wav
from tests.client.studio.archives import CLIP, LABELS, MAP, MODEL, model_archive
from tests.client.studio.chromium import launch_options
from tests.client.studio.conftest import MODEL_KEY, Studio
from tests.client.studio.fake_run import JOB, Executions

PATIENCE = 20_000  # milliseconds; what is waited for takes a few on a machine that has nothing else
REFUSED = re.compile("Failed to load resource: the server responded with a status of (400|503)")
HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with sync_playwright() as driver:
        options = launch_options(tmp_path_factory.mktemp("chromium"))
        browser = driver.chromium.launch(**options)
        yield browser
        browser.close()


Visit = Callable[..., Page]


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    """Opens the page; afterwards nothing must have gone wrong in it, and nothing have left it."""
    noticed: list[str] = []
    contexts = []

    def visit(studio: Studio, *, refusals: bool = False, **options: Any) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        page = context.new_page()
        page.add_init_script(path=HERE / "heard.js")

        def console(message: Any) -> None:
            expected = refusals and REFUSED.match(message.text)
            if message.type in ("error", "warning") and not expected:
                noticed.append(f"console: {message.text}")

        def request(asked: Any) -> None:
            address = urlsplit(asked.url)
            if (
                address.scheme not in ("data", "blob")
                and address.netloc != urlsplit(studio.url).netloc
            ):
                noticed.append(f"external request: {asked.url}")

        page.on("console", console)
        page.on("request", request)
        page.on("pageerror", lambda error: noticed.append(f"error: {error}"))
        page.goto(studio.url)
        expect(page.locator("#served")).to_contain_text(" serves ")
        return page

    yield visit
    for context in contexts:
        context.close()
    assert noticed == []


def played(page: Page) -> int:
    """How many sounds were played so far, but for those of a morph."""
    return int(page.evaluate("started.filter((sound) => !sound.loop).length"))


def until(page: Page, script: str) -> None:
    """Waits for what is true in the page; its policy forbids Playwright's own way to."""
    end = time.monotonic() + PATIENCE / 1000
    while not page.evaluate(script):
        assert time.monotonic() < end, f"this was never true: {script}"
        page.wait_for_timeout(50)


def chip(page: Page, label: str) -> Any:
    return page.locator("#labels .chip", has_text=re.compile(rf"^{label}"))


def drawn(page: Page, canvas: str) -> bool:
    """Whether more than one colour is on it."""
    return bool(
        page.evaluate(
            """(id) => {
              const canvas = document.getElementById(id);
              const [context, size] = [canvas.getContext("2d"), [canvas.width, canvas.height]];
              const { data } = context.getImageData(0, 0, ...size);
              return new Set(new Uint32Array(data.buffer)).size > 1;
            }""",
            canvas,
        )
    )


def test_sounds_of_a_label_are_made_shown_and_played(studio: Studio, visit: Visit) -> None:
    page = visit(studio)
    assert [text.split("\n")[0] for text in page.locator("#labels .chip").all_inner_texts()] == [
        "any",
        *LABELS,
    ]
    expect(page.locator("#temperature-said")).to_have_text("0.90")
    chip(page, "snare").click()
    page.fill("#seed", "41")
    page.fill("#count", "3")
    page.get_by_role("button", name="Make sounds").click()
    expect(page.locator("#title")).to_have_text("snare · seed 41")
    expect(page.locator(".tile")).to_have_count(3)
    [asked] = [r for r in studio.runtime.requests if r["seed"] == 41]
    assert (asked["label"], asked["temperature"]) == ("snare", 0.9)
    assert sum(r["count"] for r in studio.runtime.requests) == 3
    assert played(page) == 1
    assert drawn(page, "spectrogram")
    assert drawn(page, "waveform")
    assert page.input_value("#seed") != "41", "another seed each time"
    page.locator(".tile >> nth=2").click()
    expect(page.locator("#title")).to_have_text("snare · seed 43")
    assert played(page) == 2


def test_everything_can_be_done_with_the_keyboard(studio: Studio, visit: Visit) -> None:
    page = visit(studio)
    page.fill("#seed", "7")
    page.fill("#count", "2")
    page.locator("#count").blur()  # where digits are digits
    page.keyboard.press("2")
    expect(page.locator("#title")).to_have_text("kick · seed 7")
    assert studio.runtime.requests[-1]["count"] == 1
    page.keyboard.press("a")
    expect(page.locator(".tile")).to_have_count(2)
    assert "label" not in studio.runtime.requests[-1]
    page.keyboard.press("m")
    expect(page.locator(".tile")).to_have_count(4)
    page.keyboard.press("ArrowRight")
    expect(page.locator(".tile >> nth=1")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".tile >> nth=0")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Space")  # stops what plays, or plays it if it has ended
    before = played(page)
    expect(page.locator("#play")).to_have_text("Play")
    page.keyboard.press("Space")
    expect(page.locator("#play")).to_have_text("Stop")
    assert played(page) == before + 1
    seed = page.input_value("#seed")
    page.keyboard.press("r")
    assert page.input_value("#seed") != seed
    page.keyboard.press("k")
    expect(page.locator("#favourites li")).to_have_count(1)
    page.keyboard.press("k")
    expect(page.locator("#favourites li")).to_have_count(0)
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    page.keyboard.press("Escape")
    page.locator("#map").focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(page.locator("#title")).to_contain_text("near ")


def test_what_has_the_focus_can_be_seen(studio: Studio, visit: Visit) -> None:
    page = visit(studio)
    seen = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        name, outline = page.evaluate(
            """() => {
              const focused = document.activeElement;
              const within = focused.matches(".chip input, .drop input");
              const style = getComputedStyle(within ? focused.parentElement : focused);
              const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
              return [focused.id || focused.value || focused.tagName, outlined];
            }"""
        )
        if name in seen or name == "BODY":  # once around
            break
        seen.add(name)
        assert outline, f"{name} has the focus, and nothing shows it"
    assert {"theme", "temperature", "seed", "make-button", "map", "position", "file"} <= seen


def test_a_click_on_the_map_plays_a_sound_from_there(studio: Studio, visit: Visit) -> None:
    page = visit(studio)
    assert drawn(page, "map")
    page.locator("#map").click(position={"x": 60, "y": 60})
    expect(page.locator("#title")).to_have_text(re.compile(r"near (hat|kick|snare)/\d\.wav"))
    assert played(page) == 1
    [[first, second]] = studio.runtime.requests[-1]["z"]
    vectors = [point["z"] for point in MAP["points"]]
    assert 0 <= first <= 2
    assert 0 <= second <= 5
    assert [first, second] not in vectors, "between sounds it is none of them"
    expect(page.locator("#map-near")).to_contain_text("near ")


def test_a_model_without_a_map_has_a_sentence_in_its_place(studio: Studio, visit: Visit) -> None:
    studio.put(MODEL_KEY, model_archive())
    page = visit(studio)
    expect(page.locator("#map")).to_be_hidden()
    expect(page.locator("#map-empty")).to_contain_text("holds no map.json")
    page.keyboard.press("1")
    expect(page.locator("#title")).to_contain_text("hat")


def test_a_model_without_labels_has_all_but_a_morph(studio: Studio, visit: Visit) -> None:
    points = [{**point, "label": None} for point in MAP["points"]]
    files = {"model.json": {**MODEL, "labels": []}, "map.json": {"labels": [], "points": points}}
    studio.put(MODEL_KEY, model_archive(**files))
    page = visit(studio)
    expect(page.locator("#labels .chip")).to_have_count(1)
    expect(page.locator("#film-empty")).to_contain_text("needs a model with two labels")
    expect(page.locator("#position")).to_be_disabled()
    page.keyboard.press("m")
    expect(page.locator("#title")).not_to_have_text("No sound yet")
    page.locator("#map").click(position={"x": 90, "y": 90})
    expect(page.locator("#title")).to_contain_text("near ")


def test_a_morph_is_fetched_once_and_heard_while_the_slider_moves(
    studio: Studio, visit: Visit
) -> None:
    page = visit(studio)
    page.select_option("#from", "kick")
    page.select_option("#to", "snare")
    slider = page.locator("#position")
    slider.focus()
    page.keyboard.press("ArrowRight")
    until(page, "started.filter((sound) => sound.loop).length === 17")
    [asked] = studio.runtime.requests
    assert (asked["from"], asked["to"], asked["steps"]) == ("kick", "snare", 17)
    box = slider.bounding_box()
    assert box
    page.mouse.move(box["x"] + 12, box["y"] + box["height"] / 2)
    page.mouse.down()
    for share in (0.2, 0.4, 0.6, 0.78):
        page.mouse.move(box["x"] + box["width"] * share, box["y"] + box["height"] / 2)
    page.mouse.up()
    expect(page.locator("#position-said")).to_have_text(re.compile(r"7\d %|8\d %"))
    expect(page.locator("#title")).to_have_text(re.compile(r"kick → snare · (75|81) %"))
    until(  # the two neighbours alone; these are alike, so their amplitudes add up
        page,
        """() => {
          const loops = started.filter((sound) => sound.loop);
          const gains = loops.map((sound) => sound.node.heard.gain.value);
          const heard = gains.filter((gain) => gain > 0.01);
          const sum = gains.reduce((a, b) => a + b, 0);
          return heard.length > 0 && heard.length <= 2 && Math.abs(sum - 1) < 0.02;
        }""",
    )
    assert len(studio.runtime.requests) == 1, "nothing is fetched while it moves"
    expect(page.locator("#morph-play")).to_have_text("Stop")
    page.keyboard.press("l")
    expect(page.locator("#morph-play")).to_have_text("Loop")


def stereo() -> bytes:
    """A WAV file that the endpoint would be sent as it is."""
    target = io.BytesIO()
    with wave.open(target, "wb") as sound:
        sound.setparams((2, 2, 22_050, 0, "NONE", ""))
        sound.writeframes(bytes(range(256)) * 100)
    return target.getvalue()


def drop(page: Page, name: str, content: bytes) -> None:
    """Let go of a file above the page, as a mouse does."""
    script = (HERE / "drop.js").read_text(encoding="utf-8")
    page.evaluate(script, [name, base64.b64encode(content).decode()])


def test_a_dropped_file_has_variations(studio: Studio, visit: Visit) -> None:
    page = visit(studio)
    page.fill("#count", "3")
    page.fill("#seed", "5")
    drop(page, "door.wav", stereo())
    expect(page.locator("#title")).to_have_text("like door.wav · seed 5")
    expect(page.locator(".tile")).to_have_count(3)
    [asked] = studio.runtime.requests
    assert base64.b64decode(asked["audio"]) == stereo()
    page.locator("#file").set_input_files(
        {"name": "chosen.wav", "mimeType": "audio/wav", "buffer": wav()}
    )
    expect(page.locator("#title")).to_contain_text("like chosen.wav")
    page.keyboard.press("v")
    expect(page.locator(".tile")).to_have_count(9)


def test_a_long_file_is_cut_to_what_the_model_hears(studio: Studio, visit: Visit) -> None:
    page = visit(studio)
    minute = wav(b"\0\0" * 8000 + b"\x10\x20" * 8000 * 200)
    drop(page, "long.wav", minute)
    expect(page.locator("#title")).to_contain_text("like long.wav")
    [asked] = studio.runtime.requests
    with wave.open(io.BytesIO(base64.b64decode(asked["audio"]))) as sound:
        assert (sound.getnchannels(), sound.getframerate()) == (1, 8000)
        assert CLIP <= sound.getnframes() < 2 * CLIP
        assert sound.readframes(1) != b"\0\0", "from its onset on"


def test_what_cannot_be_made_is_one_sentence_on_the_page(studio: Studio, visit: Visit) -> None:
    page = visit(studio, refusals=True)
    drop(page, "notes.txt", b"no sound at all")
    expect(page.locator("#trouble")).to_contain_text("notes.txt is no sound that this browser can")
    studio.runtime.most = 0
    page.keyboard.press("m")
    expect(page.locator("#trouble")).to_have_text(re.compile("count is 1: it must be from 1 to 0"))
    studio.runtime.most = 100
    page.keyboard.press("m")
    expect(page.locator("#trouble")).to_be_hidden()
    expect(page.locator("#title")).not_to_have_text("No sound yet")


def test_favourites_stay_and_can_be_downloaded(
    studio: Studio, visit: Visit, tmp_path: Path
) -> None:
    page = visit(studio)
    page.fill("#seed", "9")
    page.locator("#seed").blur()
    for key in ("1", "3"):
        page.keyboard.press(key)
        expect(page.locator("#title")).to_contain_text(LABELS[int(key) - 1])
        page.get_by_role("button", name="Keep").click()
    expect(page.locator("#favourites li")).to_have_count(2)
    page.reload()
    expect(page.locator("#favourites li")).to_have_count(2)
    page.get_by_role("button", name=re.compile("Play hat · seed 9")).click()
    expect(page.locator("#title")).to_have_text("hat · seed 9")
    expect(page.locator("#keep")).to_have_text("Kept")
    with page.expect_download() as one:
        page.keyboard.press("d")
    assert one.value.suggested_filename == "hat - seed 9.wav"
    content = Path(one.value.path()).read_bytes()
    with page.expect_download() as pack:
        page.get_by_role("button", name="Download all").click()
    with zipfile.ZipFile(pack.value.path()) as made:
        table = json.loads(made.read("favourites.json"))["sounds"]
        assert {entry["label"] for entry in table} == {"hat", "snare"}
        [file] = [entry["file"] for entry in table if entry["seed"] == 9]
        assert made.read(file) == content
    page.get_by_role("button", name=re.compile("Remove hat · seed 9")).click()
    expect(page.locator("#favourites li")).to_have_count(1)
    expect(page.locator("#keep")).to_have_text("Keep")


def test_a_run_is_watched_while_it_trains(start: Callable[..., Studio], visit: Visit) -> None:
    studio = start(Executions("run-7"))
    studio.log.lines[JOB] += [
        f"figures: epoch={e} train_loss={5 - e} val_loss={6 - e}" for e in (1, 2)
    ]
    folder = f"output/{JOB}/tensorboard-output/samples"
    for epoch, name in ((1, "kick"), (2, "kick"), (2, "any")):
        studio.put(f"{folder}/epoch-{epoch:04}/{name}.wav", wav(bytes([epoch, 0]) * CLIP))
    page = visit(studio)
    expect(page.locator("#run-said")).to_contain_text("is running (Train), after epoch 2 of 5.")
    assert drawn(page, "curve")
    studio.log.lines[JOB].append("figures: epoch=3 train_loss=1 val_loss=2")
    expect(page.locator("#run-said")).to_contain_text("after epoch 3 of 5.")
    expect(page.locator("#curve")).to_have_attribute("aria-label", "val loss after epoch 3: 2")
    expect(page.locator("#sample-names button")).to_have_text(["any", "kick"])
    page.locator("#epoch").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#epoch-said")).to_have_text("1")
    page.locator("#sample-names button", has_text="kick").click()
    expect(page.locator("#title")).to_have_text("kick · after epoch 1")
    assert played(page) == 1


def test_where_nothing_was_trained_the_next_step_is_named(studio: Studio, visit: Visit) -> None:
    expect(visit(studio).locator("#run-said")).to_contain_text("No run yet: `soundvae upload")


def test_another_model_is_noticed(studio: Studio, visit: Visit) -> None:
    page = visit(studio)
    page.clock.install()
    page.reload()
    expect(chip(page, "kick")).to_be_visible()
    model = {"labels": ["bell", "gong"], "sample_rate": 44_100, "clip_samples": 44_100}
    more = {"latent_dim": 2, "temperature": 1.0}
    studio.put(MODEL_KEY, model_archive(**{"model.json": {**model, **more}}))
    page.clock.run_for(25_000)
    expect(chip(page, "gong")).to_be_visible()
    expect(chip(page, "kick")).to_have_count(0)
    expect(page.locator("#from option")).to_have_text(["bell", "gong"])
    expect(page.locator("#served")).to_contain_text("44.1 kHz · 1.00 s")


def contrast(page: Page) -> dict[str, float]:
    """The least contrast of text to what lies behind it, by WCAG 2.2."""
    script = (HERE / "contrast.js").read_text(encoding="utf-8")
    measured: dict[str, float] = page.evaluate(script)
    return measured


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_can_be_read_in_either_theme(studio: Studio, visit: Visit, theme: str) -> None:
    page = visit(studio, color_scheme=theme)
    page.keyboard.press("2")
    expect(page.locator("#title")).to_contain_text("kick")
    measured = contrast(page)
    assert len(measured) > 30
    assert {text: ratio for text, ratio in measured.items() if ratio < 4.5} == {}


def test_the_theme_is_the_systems_until_somebody_chooses(studio: Studio, visit: Visit) -> None:
    page = visit(studio, color_scheme="dark")
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(ground)
    page.emulate_media(color_scheme="light")
    light = page.evaluate(ground)
    assert light != dark
    expect(page.locator("#theme")).to_have_text("Dark")
    page.get_by_role("button", name="Dark", exact=True).click()
    assert page.evaluate(ground) == dark
    page.reload()
    expect(page.locator("#served")).to_contain_text(" serves ")
    assert page.evaluate(ground) == dark, "the choice stays"


@pytest.mark.parametrize("width", [320, 375, 700, 1100, 1920])
def test_nothing_is_wider_than_the_screen(
    start: Callable[..., Studio], visit: Visit, width: int
) -> None:
    studio = start(Executions("run-7"))
    studio.log.lines[JOB].append("figures: epoch=1 train_loss=4 val_loss=5")
    page = visit(studio, viewport={"width": width, "height": 800})
    page.keyboard.press("m")
    expect(page.locator("#title")).not_to_have_text("No sound yet")
    page.keyboard.press("k")
    expect(page.locator("#favourites li")).to_have_count(1)
    expect(page.locator("#curve")).to_be_visible()
    wide = page.evaluate(
        """() => [...document.querySelectorAll("main *, header *, footer *")]
          .filter((e) => e.checkVisibility() && !e.closest(".tiles, .visually-hidden, .skip"))
          .filter((e) => e.getBoundingClientRect().right > innerWidth + 0.5)
          .map((e) => e.outerHTML.slice(0, 80))"""
    )
    assert wide == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_every_control_has_a_name(studio: Studio, visit: Visit) -> None:
    page = visit(studio)
    page.keyboard.press("m")
    expect(page.locator(".tile")).not_to_have_count(0)
    page.keyboard.press("k")
    roles = ("button", "slider", "spinbutton", "combobox", "radio", "checkbox", "option", "img")
    nameless = []
    for role in roles:
        everything = page.get_by_role(role).count()  # type: ignore[arg-type]
        named = page.get_by_role(role, name=re.compile(r"\S")).count()  # type: ignore[arg-type]
        if named != everything:
            nameless.append((role, everything - named))
    assert nameless == []
    assert page.evaluate("document.documentElement.lang") == "en"


def test_the_page_holds_no_script_or_style_of_its_own() -> None:
    html = (application.PAGE / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", html)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", html))
    for file in application.PAGE.iterdir():
        assert not re.search(r"https?://(?!www\.w3\.org/)", file.read_text(encoding="utf-8"))
