"""The course as text: sources become notebooks, and notebooks become a learner's workspace. No torch in here.

Import from the modules: `from hookpoint.content.build import build`.
"""

__all__: list[str] = []
