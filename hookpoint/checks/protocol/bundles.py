"""Several parcels that travel as one: each journey over the wall costs more than what it carries."""

import itertools

from .codec import Parcel

__all__ = ["bundled", "unbundled"]


def bundled(parcels: list[Parcel]) -> Parcel:
    """Several parcels as one, for one journey."""
    items = [[parcel.tree, len(parcel.tensors)] for parcel in parcels]
    return Parcel({"$": "bundle", "items": items}, [tensor for parcel in parcels for tensor in parcel.tensors])


def unbundled(parcel: Parcel) -> list[Parcel] | None:
    """The parcels of a bundle; None if it is none. Raises `ValueError` if it is one that does not hold together."""
    if not (isinstance(parcel.tree, dict) and parcel.tree.get("$") == "bundle"):
        return None
    found, rest = [], iter(parcel.tensors)
    for tree, count in parcel.tree["items"]:
        found.append(Parcel(tree, list(itertools.islice(rest, count))))
    if sum(len(one.tensors) for one in found) != len(parcel.tensors):
        raise ValueError("a bundle of other tensors than those of its parcels")
    return found
