"""Views of our own as Streamlit components: HTML, CSS and JavaScript as text, no bundler, nothing from elsewhere."""

from hookpoint.app.components.attention import attention
from hookpoint.app.components.board import board
from hookpoint.app.components.grid import grid
from hookpoint.app.components.links import linked

__all__ = ["attention", "board", "grid", "linked"]
