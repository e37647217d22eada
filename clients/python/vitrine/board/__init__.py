"""One picture of what a capture found: masks, colours, products, taste, and which models spoke."""

from vitrine.board.content import BoardContent, gather, gather_keyframe
from vitrine.board.page import draw_board
from vitrine.board.save import SUFFIXES, save_picture
from vitrine.board.search import draw_searches

__all__ = ["SUFFIXES", "BoardContent", "draw_board", "draw_searches", "gather", "gather_keyframe", "save_picture"]
