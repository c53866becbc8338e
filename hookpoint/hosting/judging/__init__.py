"""Judging by people: who rates whom, what harshness does to ratings, and the ranking. Pure functions, no database."""
