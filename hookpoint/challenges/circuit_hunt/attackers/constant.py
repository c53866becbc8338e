"""The same number for every edge."""


def rank_edges(nodes, edges, written, run, gradient) -> list[float]:
    return [0.0] * len(edges)
