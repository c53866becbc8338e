"""A compiler from small programs to transformer weights, with an answer key for every model it makes.

program.py    what a program is: named variables, heads and neurons that read and write them, a task
gadgets.py    tables, shifts and steps to write programs with
decoys.py     parts that the program does not need
assemble.py   a program's weights, disguised
answers.py    a program's nodes and edges, by name
measure.py    what ablating a node or patching an edge does to a model: the proof of a key
tasks.py      what the shipped circuits compute
programs.py   how they compute it: one circuit each, found by plain ablation
hard.py       circuits that plain ablation gets wrong: cancelling, backup and negative heads
lookups.py    random programs, another for each seed
"""

from .answers import Key, answer_key, edges_of, nodes_of
from .assemble import Compiled, assemble, config, shuffled
from .decoys import with_idle_decoys
from .program import Head, Layer, Match, Move, Neurons, Node, Program, Task

__all__ = [
    "Compiled",
    "Head",
    "Key",
    "Layer",
    "Match",
    "Move",
    "Neurons",
    "Node",
    "Program",
    "Task",
    "answer_key",
    "assemble",
    "config",
    "edges_of",
    "nodes_of",
    "shuffled",
    "with_idle_decoys",
]
