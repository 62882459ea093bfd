"""Payoffs and mixtures as pictures: the colour of every pixel of small examples."""

from __future__ import annotations

import numpy as np

from camtf.pictures import mixture_picture, payoff_picture

WHITE, RED, BLUE, LINE = (247, 247, 247), (178, 24, 43), (33, 102, 172), (128, 128, 128)


def test_payoffs_are_white_where_even_red_where_won_and_blue_where_lost() -> None:
    """Two strategies: cells of 128 pixels, and a line of one between them."""
    picture = payoff_picture(np.array([[0.5, 1.0], [0.0, 0.5]]))
    assert picture.shape == (257, 257, 3) and picture.dtype == np.uint8
    assert (picture[:128, :128] == WHITE).all() and (picture[129:, 129:] == WHITE).all()
    assert (picture[:128, 129:] == RED).all() and (picture[129:, :128] == BLUE).all()
    assert (picture[128] == LINE).all() and (picture[:, 128] == LINE).all()


def test_mixtures_go_from_white_to_dark_blue() -> None:
    picture = mixture_picture(np.array([[0.0, 1.0], [0.5, 0.75]]))
    cells = picture[[0, 0, -1, -1], [0, -1, 0, -1]]
    np.testing.assert_array_equal(cells, [(255, 255, 255), (8, 29, 88), (66, 146, 198), (37, 88, 143)])


def test_nodes_of_a_strategy_stand_in_a_block() -> None:
    """One learner of two characters against two strategies: lines only between strategies, cells are squares."""
    picture = payoff_picture(np.full((2, 4), 0.5), block=2)
    assert picture.shape == (2 * 64, 4 * 64 + 1, 3)
    assert (picture[:, 128] == LINE).all()
    assert (np.delete(picture, 128, axis=1) == WHITE).all()
