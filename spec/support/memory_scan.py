#!/usr/bin/env python3
"""Looks for texts in a process's memory: as they are, and in base64 at each of its three alignments.

usage: memory_scan.py PID TEXT...
Prints `TEXT N` for each: in how many places it is. Reads every mapping that the process may write but the main
thread's stack. With SHOW=1 in the environment it prints the places too.
"""
import base64
import os
import sys


def forms(text):
    found = {text}
    for shift in range(3):
        padded = b"\0" * shift + text
        inner = base64.b64encode(padded)[(shift * 4 + 2) // 3 : len(padded) * 4 // 3]
        found |= {inner, inner.translate(bytes.maketrans(b"+/", b"-_"))}
    return found


def mappings(pid):
    with open("/proc/%s/maps" % pid) as lines:
        for line in lines:
            parts = line.split(None, 5)
            name = parts[5].strip() if len(parts) > 5 else ""
            if "w" in parts[1] and name != "[stack]":
                start, end = (int(n, 16) for n in parts[0].split("-"))
                yield start, end, name


def places(data, form):
    at = data.find(form)
    while at >= 0:
        yield at
        at = data.find(form, at + 1)


pid, texts = sys.argv[1], [text.encode() for text in sys.argv[2:]]
counts = dict.fromkeys(texts, 0)
with open("/proc/%s/mem" % pid, "rb", 0) as memory:
    for start, end, name in mappings(pid):
        try:
            memory.seek(start)
            data = memory.read(end - start)
        except OSError:  # a page that was given back meanwhile
            continue
        for text in texts:
            for form in forms(text):
                for at in places(data, form):
                    counts[text] += 1
                    if os.environ.get("SHOW"):
                        print("%x %s %r" % (start + at, name, data[max(0, at - 60) : at + len(form) + 30]))
for text in texts:
    print("%s %d" % (text.decode(), counts[text]))
