#!/usr/bin/env python3
"""Is a register still the one that a pack was opened under? With nothing but the standard library.

    register.py PACK STORE

The pack is one that was kept elsewhere. It tells, as event 1, the hashes of the entries up to its own; they must give the root of
the checkpoint in the same event, whose signature is checked with any tool for signed notes. Then each entry of the store is
hashed and compared. (Of a register with more than 512 entries a pack keeps the older ones as roots of subtrees: "before".)
"""
import base64, hashlib, json, os, sys, zipfile

def sha(data): return hashlib.sha256(data).digest()

def root(nodes):  # RFC 6962 over (level, hash), left to right
    stack = []
    for level, h in nodes:
        while stack and stack[-1][0] == level:
            level, h = level + 1, sha(b"\1" + stack.pop()[1] + h)
        stack.append((level, h))
    top = stack.pop()[1]
    while stack:
        top = sha(b"\1" + stack.pop()[1] + top)
    return top

pack = zipfile.ZipFile(sys.argv[1])
log = next(n for n in pack.namelist() if n.endswith("/data/events.jsonl"))
kept = json.loads(pack.read(log).splitlines()[1])["detail"]
start, leaves = int(kept["from"]), [bytes.fromhex(h) for h in kept["leaves"].split()]
levels = [bit for bit in range(62, -1, -1) if start >> bit & 1]
before = list(zip(levels, [bytes.fromhex(h) for h in kept["before"].split()]))
if root(before + [(0, h) for h in leaves]) != base64.b64decode(kept["checkpoint"].splitlines()[2]):
    sys.exit("the pack's own hashes do not give its checkpoint")
entry = lambda n: os.path.join(sys.argv[2], "register", "entry", "%d.json" % n)
read = lambda n: sha(b"\0" + open(entry(n), "rb").read()) if os.path.exists(entry(n)) else b""
at = 0
for level, h in before:
    if root([(0, read(n)) for n in range(at, at + 2**level)]) != h:
        sys.exit("first altered entry: one of %d to %d" % (at, at + 2**level - 1))
    at += 2**level
for n, h in enumerate(leaves, start):
    if read(n) != h:
        sys.exit("first altered entry: %d" % n)
print("consistent: %d entries are as they were when the pack was opened" % (start + len(leaves)))
