"""What the model says"""

from hookpoint.model import GPT2


def recover(cfg, weights, known, told, asked):
    model = GPT2(cfg, seed=None)
    model.load_state_dict(weights)
    return model(asked)[:, -1].argmax(-1)
