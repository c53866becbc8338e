# %% right="dense svd"
import torch


def svd_read_write(model, layer, head, k):
    attn = model.blocks[layer].attn
    U, S, Vh = torch.linalg.svd(attn.W_V[head] @ attn.W_O[head])
    return U[:, :k].T, Vh[:k], S[:k]


# %% right="torch.svd, signs turned in pairs"
import torch


@torch.no_grad()
def svd_read_write(model, layer, head, k):
    attn = model.blocks[layer].attn
    U, S, V = torch.svd(attn.W_V[head] @ attn.W_O[head])
    sign = U.sum(dim=0).sign()
    return (U * sign).mT[:k].contiguous(), (V * sign).mT[:k].contiguous(), S[:k]


# %% right="qr of both"
import torch


def svd_read_write(model, layer, head, k):
    attn = model.blocks[layer].attn
    Qv, Rv = torch.linalg.qr(attn.W_V[head])
    Qo, Ro = torch.linalg.qr(attn.W_O[head].T)
    U, S, Vh = torch.linalg.svd(Rv @ Ro.T)
    return (Qv @ U).T[:k], (Qo @ Vh.T).T[:k], S[:k]


# %% right="svd of the transpose, negative pairs"
import torch


def svd_read_write(model, layer, head, k):
    attn = model.blocks[layer].attn
    U, S, Vh = torch.linalg.svd((attn.W_V[head] @ attn.W_O[head]).T, full_matrices=False)
    return -Vh[:k], -U.T[:k], S[:k]


# %% wrong="only read turned"
import torch


def svd_read_write(model, layer, head, k):
    attn = model.blocks[layer].attn
    U, S, Vh = torch.linalg.svd(attn.W_V[head] @ attn.W_O[head])
    return -U[:, :k].T, Vh[:k], S[:k]


# %% wrong="every head together"
import torch


def svd_read_write(model, layer, head, k):
    attn = model.blocks[layer].attn
    U, S, Vh = torch.linalg.svd((attn.W_V @ attn.W_O).sum(0))
    return U[:, :k].T, Vh[:k], S[:k]


# %% wrong="reading scaled"
import torch


def svd_read_write(model, layer, head, k):
    attn = model.blocks[layer].attn
    U, S, Vh = torch.linalg.svd(attn.W_V[head] @ attn.W_O[head])
    return U[:, :k].T * S[:k, None], Vh[:k], S[:k]


# %% wrong="log singular values"
import torch


def svd_read_write(model, layer, head, k):
    attn = model.blocks[layer].attn
    U, S, Vh = torch.linalg.svd(attn.W_V[head] @ attn.W_O[head])
    return U[:, :k].T, Vh[:k], S[:k].log()


# %% wrong="shares of the whole"
import torch


def svd_read_write(model, layer, head, k):
    attn = model.blocks[layer].attn
    U, S, Vh = torch.linalg.svd(attn.W_V[head] @ attn.W_O[head])
    return U[:, :k].T, Vh[:k], S[:k] / S.sum()


# %% wrong="writing order reversed"
import torch


def svd_read_write(model, layer, head, k):
    attn = model.blocks[layer].attn
    U, S, Vh = torch.linalg.svd(attn.W_V[head] @ attn.W_O[head])
    return U[:, :k].T, Vh[:k].flip(0), S[:k]


# %% wrong="one more"
import torch


def svd_read_write(model, layer, head, k):
    attn = model.blocks[layer].attn
    U, S, Vh = torch.linalg.svd(attn.W_V[head] @ attn.W_O[head])
    return U[:, : k + 1].T, Vh[: k + 1], S[: k + 1]


# %% right="eigh of the gram in float64, write by applying"
import torch


def svd_read_write(model, layer, head, k):
    M = ov_matrix(model, layer, head).detach()
    D = M.double()
    values, vectors = torch.linalg.eigh(D @ D.T)
    order = values.argsort(descending=True)[:k]
    read = vectors[:, order].T
    out = read @ D
    s = out.norm(dim=1)
    return read.to(M.dtype), (out / s[:, None]).to(M.dtype), s.to(M.dtype)


# %% right="largest read entry made positive"
import torch


def svd_read_write(model, layer, head, k):
    with torch.no_grad():
        U, S, Vh = torch.linalg.svd(ov_matrix(model, layer, head))
    read, write, s = [], [], []
    for i in range(k):
        r, w = U[:, i], Vh[i, :]
        if r[r.abs().argmax()] < 0:
            r, w = -r, -w
        read.append(r)
        write.append(w)
        s.append(S[i])
    return torch.stack(read), torch.stack(write), torch.stack(s)


# %% wrong="squeezes k = 1"
import torch


def svd_read_write(model, layer, head, k):
    U, S, Vh = torch.linalg.svd(ov_matrix(model, layer, head), full_matrices=False)
    return U.T[:k].squeeze(0), Vh[:k].squeeze(0), S[:k].squeeze(0)


# %% right="a list, random signs by pair"
import torch


def svd_read_write(model, layer, head, k):
    a = model.blocks[layer].attn
    U, S, Vh = torch.linalg.svd(a.W_V[head] @ a.W_O[head])
    sign = torch.ones(k, 1, dtype=U.dtype)
    sign[::2] = -1
    return [U.T[:k] * sign, Vh[:k] * sign, S[:k].clone()]
