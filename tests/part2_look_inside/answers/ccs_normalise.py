# %% right="the earlier function"
def ccs_normalise(Xp, Xn):
    return tuple(standardise(side, side) for side in (Xp, Xn))


# %% right="sample deviation"
import torch


def ccs_normalise(Xp, Xn):
    out = []
    for side in (Xp, Xn):
        centred = side - side.mean(0, keepdim=True)
        std = centred.std(0, keepdim=True)
        out.append(torch.where(std > 0, centred / std, torch.zeros_like(centred)))
    return out[0], out[1]


# %% right="stacked"
import torch


def ccs_normalise(Xp, Xn):
    both = torch.stack([Xp, Xn])
    var, mean = torch.var_mean(both, dim=1, keepdim=True, correction=0)
    z = torch.nan_to_num((both - mean) / var.sqrt(), nan=0.0, posinf=0.0, neginf=0.0)
    return z[0], z[1]


# %% wrong="one norm for all"
def ccs_normalise(Xp, Xn):
    Xp, Xn = Xp - Xp.mean(0), Xn - Xn.mean(0)
    return Xp / Xp.norm(dim=1, keepdim=True).mean(), Xn / Xn.norm(dim=1, keepdim=True).mean()


# %% wrong="rows of length 1"
def ccs_normalise(Xp, Xn):
    Xp, Xn = Xp - Xp.mean(0), Xn - Xn.mean(0)
    return Xp / Xp.norm(dim=1, keepdim=True), Xn / Xn.norm(dim=1, keepdim=True)


# %% wrong="mean of the other side"
def ccs_normalise(Xp, Xn):
    return standardise(Xn, Xp), standardise(Xp, Xn)


# %% wrong="epsilon of 0.1"
def ccs_normalise(Xp, Xn):
    return tuple((X - X.mean(0)) / (X.std(0, correction=0) + 0.1) for X in (Xp, Xn))


# %% wrong="difference of the sides"
def ccs_normalise(Xp, Xn):
    gap = standardise(Xp - Xn, Xp - Xn)
    return gap, -gap
