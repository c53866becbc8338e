"""What all tables have in common: how they are registered, and how text, moments and numbers are kept."""

from datetime import datetime

from sqlalchemy import Double, MetaData
from sqlalchemy.orm import DeclarativeBase

from .columns import NAMES, Utc, Words

__all__ = ["Base"]


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {str: Words, datetime: Utc, float: Double}
