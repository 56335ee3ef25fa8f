"""Speed of two commits, in alternating pairs: `make bench-compare BASE=<commit>`.

* `base` is the product at a commit, in a detached worktree; `new` is the product in this working tree. Each server gets
  its code by PYTHONPATH and runs on the same Python with the same libraries. Clients, load and measuring are those of
  this working tree for both, so that only the product differs.
* A pair starts both servers, each on a NATS server of its own, and measures both within seconds: base, new, new, base,
  and in the next pair new, base, base, new. So neither a drift of the machine nor the order favours a side.
* The result of a pair is one ratio, new by base, inverted where less is better: above 1 is always better. The median
  of the ratios counts; their range shows how much to trust it.
* Servers are started again for each pair, because the memory layout of a process makes a difference of its own.
"""
