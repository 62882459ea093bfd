"""The page of `camtf.play` in a browser: a match is played to its end, and its replay is what was shown."""

from __future__ import annotations

import io
import time
import urllib.request
from pathlib import Path

from PIL import Image

from camtf.games.duel import replay as replays
from camtf.games.duel.game import Duel
from camtf.games.duel.state import SKILLS
from camtf.play.arena import Arena
from mobile.pack import Pack
from mobile.play import PackModels
from tests.browser import Browser, needs_browser
from tests.serving import serving

CHARACTERS = ("ember_fox", "gale_archer")


def wait_for(browser: Browser, state: str, seconds: float = 60.0) -> None:
    last = time.monotonic() + seconds
    while browser.run("now()") != state:
        assert time.monotonic() < last, (state, browser.run("now()"), browser.errors())
        time.sleep(0.05)


@needs_browser
def test_a_match_is_played_in_a_browser(duel: Duel, pack: Pack, tmp_path: Path) -> None:
    arena = Arena(duel, PackModels(pack), CHARACTERS)
    with serving(arena, speed=20.0) as url, Browser() as browser:
        assert browser.open(url, 1280, 800) == []
        wait_for(browser, "menu")
        chosen = "[$('opponent').value, $('precision').options.length, $('character').value, $('delay').value]"
        assert browser.run(chosen) == ["specialist", 4, "ember_fox", "3"]
        browser.run("$('precision').value = 'int8'; document.querySelector('#menu .main').click()")
        wait_for(browser, "fight")
        press_keys_to_the_end(browser)
        check_the_replay(browser, duel, tmp_path / "match.npz")
        check_looks(browser, "over")
        check_other_ways_to_play(browser)
        check_looks(browser, "menu")
        assert browser.errors() == []


def press_keys_to_the_end(browser: Browser) -> None:
    """A scripted player: it walks up to the opponent and strikes."""
    turn, last = 0, time.monotonic() + 60
    while browser.run("now()") == "fight" and time.monotonic() < last:
        toward = "KeyD" if browser.run("frames.at(-1)[0].x < frames.at(-1)[1].x") else "ArrowLeft"
        strike = ("KeyJ", "KeyK", "Space", "KeyL")[turn % 4]
        for code, down in ((toward, True), (strike, True), (strike, False), (toward, False)):
            browser.key(code, down)
            time.sleep(0.02)
        turn += 1
    wait_for(browser, "over")


def check_the_replay(browser: Browser, duel: Duel, file: Path) -> None:
    """What one click saves is what the page has shown, bit for bit, and plays back in the viewer."""
    shown = browser.run("frames.map(pair => pair.map(f => [f.x, f.y, f.hp, f.mp, f.m, f.t, ...f.cd]))")
    with urllib.request.urlopen(browser.run("$('save').href")) as answer:
        assert answer.headers.get_filename() == "ember_fox_v_gale_archer.npz"
        file.write_bytes(answer.read())
    replay = replays.load(file)
    assert replay.players == ("person", "specialist int8, temperature 1, 300 ms")
    moments = list(replays.play_back(duel.roster, replay))
    fields = ("x_mm", "y_mm", "health_hp", "mana", "move", "move_tick")
    played = []
    for moment in moments:
        moment.fighters["health_hp"].clip(0, out=moment.fighters["health_hp"])
        played.append([[*(int(f[name]) for name in fields), *f["cooldown_ticks"].tolist()] for f in moment.fighters])
    assert shown[::3] == played
    own = replay.actions[:, 0]
    assert {"attack", "skill_1", "guard"} <= {SKILLS[skill] for skill in own[:, 1]} and (own[:, 0] == 1).sum() > 5
    words = {1.0: "You win!", 0.0: "You lose", 0.5: "Draw"}[browser.run("ended.outcome")]
    assert browser.run("$('result').textContent") == words
    with urllib.request.urlopen(browser.run("$('watch').href")) as answer:
        assert f'"hp":{played[-1][0][2]},' in answer.read().decode()


def check_looks(browser: Browser, state: str) -> None:
    """On a desk and on a phone, upright and across, in the light and in the dark: it fits, and can be read."""
    for width, height in ((1280, 800), (390, 844), (844, 390)):
        phone = width < 1000
        browser.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=phone
        )
        assert browser.run("[now(), document.documentElement.scrollWidth]") == [state, width]
        for dark in (False, True):
            browser.dark(dark)
            ratio, text = browser.contrast(".who *, #clock, .card *, #menu *, #skills .legal *")
            assert ratio >= 4.5, (state, width, dark, text)
            picture = Image.open(io.BytesIO(browser.picture())).convert("L")
            assert picture.width == width and len(picture.getcolors() or []) > 50


def check_other_ways_to_play(browser: Browser) -> None:
    """Rematch by a key; the stick and a button by touch; a gamepad; pause; a connection that breaks."""
    browser.call("Input.dispatchKeyEvent", type="keyDown", code="Enter", key="Enter")
    wait_for(browser, "fight")
    browser.run("var told = tell; tell = () => {}")  # a page that has not seen what was sent: the clock waits for it
    assert browser.run("ended") is None and browser.run("fighters[1].player").startswith("specialist int8")

    browser.call("Emulation.setDeviceMetricsOverride", width=390, height=844, deviceScaleFactor=1, mobile=True)
    browser.call("Emulation.setTouchEmulationEnabled", enabled=True, maxTouchPoints=2)
    box = "(b => [b.x + b.width / 2, b.y + b.height / 2])(document.querySelector('%s').getBoundingClientRect())"
    stick, guard = (browser.run(box % node) for node in ("#stick", "[data-skill=guard]"))
    touches = [{"x": stick[0] - 40, "y": stick[1] - 40, "id": 0}, {"x": guard[0], "y": guard[1], "id": 1}]
    browser.call("Input.dispatchTouchEvent", type="touchStart", touchPoints=touches[:1])
    browser.call("Input.dispatchTouchEvent", type="touchStart", touchPoints=touches)
    assert browser.run("[controls.direction, controls.held.map(h => h.skill)]") == [[-1, 1], ["guard"]]
    browser.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
    assert browser.run("[controls.direction, controls.held]") == [[0, 0], []]

    buttons = "[...Array(16)].map((_, i) => ({pressed: i === PRESSED}))"
    pad = "navigator.getGamepads = () => [{connected: true, mapping: 'standard', axes: AXES, buttons: " + buttons + "}]"
    browser.run(pad.replace("AXES", "[0.9, 0.1]").replace("PRESSED", "5") + "; controls.poll()")
    assert browser.run("[controls.direction, controls.held.map(h => h.skill)]") == [[1, 0], ["ultimate"]]
    browser.run(pad.replace("AXES", "[0, 0]").replace("PRESSED", "-1") + "; controls.poll()")
    assert browser.run("[controls.direction, controls.held]") == [[0, 0], []]

    browser.run("tell = told; tell()")
    browser.key("Escape", down=True)
    wait_for(browser, "halted")
    newest = browser.run("newest")
    time.sleep(0.2)
    assert browser.run("newest") == newest
    browser.run("$('resume').click()")
    wait_for(browser, "fight")
    browser.run("socket.close()")
    wait_for(browser, "halted")
    back = "socket.readyState === 1 && frames.length === 1 ? done() : setTimeout(look, 20)"
    browser.run(f"new Promise(done => {{ const look = () => {back}; look(); }})")
    wait_for(browser, "halted")
    assert browser.run("newest") >= newest
    browser.run("$('leave').click()")
    wait_for(browser, "menu")
