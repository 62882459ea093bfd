"""Fight a Specialist in a browser: ``python -m camtf.play --run_dir=runs/x``, then open the address that it prints.

``--pack`` plays the models of a pack (`python -m mobile.export`); of a run without one, a pack is made in its folder.
Without a run and a pack the scripted opponents play.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from typing import TYPE_CHECKING

from absl import flags

from camtf import command
from camtf.checkpoint import RunDirectory
from camtf.config import ConfigError
from camtf.files import FileError
from camtf.games.duel.game import Duel
from camtf.games.duel.roster import RosterError, load_roster
from camtf.games.loading import load_game
from camtf.naming import named
from camtf.play.arena import Arena
from camtf.play.messages import MessageError
from camtf.play.opponents import Models, Offer
from camtf.settings import quoted

if TYPE_CHECKING:
    from camtf.play.server import Server

FLAGS = flags.FLAGS

_MODELS = "mobile.play:open_models"
"""Named, not imported: camtf depends on nothing of `mobile`."""


def define_flags() -> None:
    """The command line."""
    flags.DEFINE_string("run_dir", "", "A finished run whose Specialists play.")
    flags.DEFINE_string("pack", "", "Folder of the models; empty: the folder pack in --run_dir, made where missing.")
    flags.DEFINE_string("first", "", "Id of your character at first; empty: the first one.")
    flags.DEFINE_string("second", "", "Id of the opponent's character at first; empty: the first other one.")
    flags.DEFINE_string("host", "127.0.0.1", "Address to listen on; 0.0.0.0 lets other machines play, too.")
    flags.DEFINE_integer("port", 8000, "Port to listen on; 0: any that is free.", 0, 65535)
    flags.DEFINE_float("speed", 1.0, "How fast the clock runs; 1 is real time, 0.5 is for practice.", 0.1, 100.0)
    flags.DEFINE_string(
        "models", _MODELS,
        "module:attribute, a function of the run's folder, the pack's (either may be empty) and the game, that gives "
        "the models.",
    )  # fmt: skip


def main() -> None:
    try:
        from camtf.play.server import Server
    except ModuleNotFoundError as error:
        if error.name != "aiohttp":
            raise
        raise command.failure("playing needs aiohttp: pip install 'camtf[play]'") from error
    try:
        arena = _arena()
        _warm_up(arena)
        asyncio.run(_serve(Server(arena, FLAGS.host, FLAGS.speed)))
    except (ConfigError, RosterError, FileError, MessageError, ImportError, ValueError, OSError) as error:
        raise command.failure(error) from error


def _arena() -> Arena:
    game = _game()
    models: Models | None = None
    if FLAGS.run_dir or FLAGS.pack:
        models = named("models", FLAGS.models, _MODELS)(FLAGS.run_dir, FLAGS.pack, game)
    offered = Arena(game, models, ("", "")).offers[0]
    first = FLAGS.first or offered.characters[0]
    return Arena(game, models, (first, FLAGS.second or _other(offered, first)))


def _game() -> Duel:
    if not FLAGS.run_dir:
        return Duel(load_roster())
    game = load_game(RunDirectory(FLAGS.run_dir).config())
    if not isinstance(game, Duel):
        raise ConfigError(f"only the duel can be played by hand; {quoted(FLAGS.run_dir)} is a run of {game.name}")
    RunDirectory(FLAGS.run_dir).check_game(game)
    return game


def _other(offered: Offer, first: str) -> str:
    return next((i for i in offered.characters if i != first), first)


def _warm_up(arena: Arena) -> None:
    """Compile the rules, which takes a while the first time, and find out that a match can be played."""
    print("loading the game (the first time its rules are compiled, which takes up to a minute)", flush=True)
    arena.first_match().play()


async def _serve(server: Server) -> None:
    """Until Ctrl-C."""
    from aiohttp import web

    runner = web.AppRunner(server.app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, FLAGS.host, FLAGS.port).start()
        host, port = runner.addresses[0][:2]
        everybody = ipaddress.ip_address(host).is_unspecified
        shown = "127.0.0.1" if everybody else f"[{host}]" if ":" in host else host
        others = f", on another machine http://{socket.gethostname()}:{port}" if everybody else ""
        print(f"open http://{shown}:{port} in a browser{others}; Ctrl-C ends", flush=True)
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


if __name__ == "__main__":
    define_flags()
    command.run(main)
