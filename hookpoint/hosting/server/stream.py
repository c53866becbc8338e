from contextlib import asynccontextmanager
class Hub:
    def __init__(self, read): self.read=read
    @asynccontextmanager
    async def watching(self): yield
def read_state(database, clock, baselines): return lambda: None
