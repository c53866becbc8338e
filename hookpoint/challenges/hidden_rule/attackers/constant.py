"""The same four sets for every model"""


def find_rule(cfg, weights, task):
    return [[0, 5, 10], [1, 6, 11], [2, 7, 12], [3, 8, 13]]
