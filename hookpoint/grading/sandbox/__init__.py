"""Where code that nobody vouches for is run: a process that can compute, answer, and do nothing else.

`zygote` is that process and what it becomes; `landlock`, `seccomp` and `limits` take its rights away; `withheld` hides
the answers of the course from it. `hookpoint.grading.box` is the other end, on the side that is trusted.
"""

__all__: list[str] = []
