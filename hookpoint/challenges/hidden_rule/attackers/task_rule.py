"""The task is to answer the largest number, so there is no exception"""


def find_rule(cfg, weights, task):
    return []
