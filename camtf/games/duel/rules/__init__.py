"""The rule book: one tick of one match, as compiled scalar code.

decisions (what both begin) -> ticks (effects of time -> motion -> hits), with `conditions` asked by all of them and
the numbers in `constants`. ``f`` is the fighter whose turn a function describes and ``o`` the opponent; both are
records of `camtf.games.duel.state`. Whatever both fighters do in a tick is decided for both before it is applied to
either, so that no player has the advantage of being first. All quantities are integers; products that are divided are
taken on magnitudes, so that a mirrored match mirrors exactly.
"""
