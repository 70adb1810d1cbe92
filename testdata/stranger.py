#!/usr/bin/env python3
"""Read a pack as a stranger would: RTO, lost writes and rpo.time from its raw files.

Written from docs/formats.md and docs/measurement.md alone, with the Python standard library. It shares no code with the
program that made the pack, so that two readings of the same rules can be compared.

usage: stranger.py PACK        PACK is a zip, or a directory that holds data/
"""

import argparse
import bisect
import calendar
import json
import os
import struct
import sys
import time
import zipfile

MAGIC = b"blackstart.pack/"
OK, UNSENT = 1, 13  # outcomes of a sample
ACKNOWLEDGED = 1  # outcome of an attempt
NOT_READ = 255  # copies
SECOND = 1_000_000_000
NEEDED_ACKS = 200  # in the second before the fault


class Pack:
    """The files of a pack by their path from its base directory."""

    def __init__(self, path):
        self.zip = None
        self.base = path
        if not os.path.isdir(path):
            self.zip = zipfile.ZipFile(path)
            found = [n for n in self.zip.namelist() if n == "data/record.json" or n.endswith("/data/record.json")]
            if len(found) != 1:
                raise SystemExit("stranger: the zip holds %d records, want one" % len(found))
            self.base = found[0][: -len("data/record.json")]

    def bytes(self, name):
        if self.zip is not None:
            return self.zip.read(self.base + name)
        with open(os.path.join(self.base, name), "rb") as f:
            return f.read()


def once(pairs):
    """Refuse an object that names a key twice."""
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("an object of the record names a key twice")
    return result


def moment(text):
    """Nanoseconds since 1970 of a moment; None for never."""
    if text is None:
        return None
    if len(text) != 30 or text[19] != "." or text[29] != "Z":
        raise ValueError("not a moment: %r" % text)
    return calendar.timegm(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")) * SECOND + int(text[20:29])


def share(text):
    """A share such as 99.9% in parts per million."""
    whole, _, part = text.rstrip("%").partition(".")
    return int(whole) * 10_000 + int((part + "0000")[:4])


def records(pack, stream, anchor):
    """The records of one binary file, as tuples."""
    data = pack.bytes(stream["file"])
    magic, version, kind, hlen, rlen, _run, sid, zero, start, count = struct.unpack("<16sHHHH16sIIqQ", data[:64])
    layout = {1: "<QqqqBBHI", 2: "<QQqqqBBBBI"}.get(kind)
    if magic != MAGIC or version != 1 or layout is None or hlen != 64 or zero != 0:
        raise ValueError("%s: not a file of this format" % stream["file"])
    if {1: "samples", 2: "ledger"}[kind] != stream["kind"] or sid != stream["id"] or start != anchor:
        raise ValueError("%s: not the stream the record names" % stream["file"])
    if rlen != struct.calcsize(layout) or count != stream["count"] or len(data) != 64 + count * rlen:
        raise ValueError("%s: not as long as it says" % stream["file"])
    return list(struct.iter_unpack(layout, data[64:]))


class Sample:
    """What became of one request."""

    __slots__ = ("due", "done", "outcome", "cohort")

    def __init__(self, due, done, outcome, cohort):
        self.due, self.done, self.outcome, self.cohort = due, done, outcome, cohort

    def bad(self, limit):
        return self.outcome != OK or (limit > 0 and self.done - self.due > limit)


def samples(pack, stream, anchor):
    """The samples of a stream, each on its schedule."""
    result = []
    for n, (seq, due, _sent, done, outcome, cohort, _status, _worker) in enumerate(records(pack, stream, anchor)):
        if seq != n or due != stream["start_ns"] + n * stream["per_ns"] // stream["freq"]:
            raise ValueError("%s: sample %d is not on schedule" % (stream["file"], n))
        if outcome == UNSENT and done != -1:
            raise ValueError("%s: sample %d was not sent, yet done" % (stream["file"], n))
        result.append(Sample(due, done, outcome, cohort))
    return result


class Recovery:
    """The search for the moment at which the service was restored, for one cohort of one load."""

    def __init__(self, pack, record, objective):
        self.anchor = moment(record["anchor"])
        self.end = moment(record["observation"]["hi"]) - self.anchor
        wanted = record["scenario"]["recovered"]
        self.length = wanted["window_ns"]
        self.least = wanted["min_requests"]
        self.share = share(wanted["success_at_least"])
        self.slo = wanted["p99_at_most_ns"]
        streams = [s for s in record["streams"] if s["kind"] == "samples"]
        load = next(s for s in streams if s["load"] == objective["load"])
        self.all = samples(pack, load, self.anchor)
        self.own, self.cohort = self.pick(load, self.all, objective["cohort"])
        self.edges, self.limit = self.own, load["timeout_ns"]
        self.own_limit = load["timeout_ns"]
        if load["workload"] not in ("metronome", "postgres.ledger"):
            for s in streams:
                names = s["cohorts"] or []
                stands_for = self.cohort in names if names else self.cohort == "fresh"
                if s["workload"] == "metronome" and s["place"] == load["place"] and stands_for:
                    self.edges, _ = self.pick(s, samples(pack, s, self.anchor), self.cohort)
                    self.limit = s["timeout_ns"]
                    break
        self.all_due = [s.due for s in self.all]
        self.own_due = [s.due for s in self.own]

    @staticmethod
    def pick(stream, everything, cohort):
        names = stream["cohorts"] or []
        if len(names) <= 1:
            return everything, names[0] if names else cohort
        index = names.index(cohort)
        return [s for s in everything if s.cohort == index], cohort

    def holds(self, start):
        """True or False for the window that begins at start, None if it is thin."""
        stop = start + self.length
        due = bisect.bisect_left(self.all_due, stop) - bisect.bisect_left(self.all_due, start)
        own = self.own[bisect.bisect_left(self.own_due, start) : bisect.bisect_left(self.own_due, stop)]
        if due < self.least or not own:
            return None
        good = sorted(s.done - s.due for s in own if s.outcome == OK)
        if len(good) * 1_000_000 < self.share * len(own):
            return False
        if self.slo == 0:
            return True
        return bool(good) and good[-(-99 * len(good) // 100) - 1] <= self.slo

    def windows(self, start):
        """Begin and result of every window from start on."""
        step = self.length // 5
        while start + self.length <= self.end:
            yield start, self.holds(start)
            start += step

    def after(self, series, last, limit):
        """The bounds of the edge behind the bad sample number last of series."""
        for s in series[last + 1 :]:
            if s.due <= self.end and not s.bad(limit):
                return series[last].due, s.done
        return None

    def first_candidate(self, fault_lo):
        """(had an impact, bounds or None)."""
        for series, limit in ((self.edges, self.limit), (self.own, self.own_limit)):
            hurt = [i for i, s in enumerate(series) if fault_lo <= s.due <= self.end and s.bad(limit)]
            if hurt:
                return True, self.after(series, hurt[-1], limit)
        for start, good in self.windows(fault_lo):
            if good is False:
                return True, self.behind(start)
        return False, None

    def behind(self, start):
        """The bounds of the edge behind the last request over the SLO of a window."""
        inside = [i for i, s in enumerate(self.own) if start <= s.due < start + self.length and s.bad(self.slo)]
        return self.after(self.own, inside[-1], self.slo)

    def restored(self, fault_lo):
        """("none" | "thin" | "never" | "restored", bounds)."""
        impact, bounds = self.first_candidate(fault_lo)
        if not impact:
            return "none", None
        while bounds is not None:
            judged = list(self.windows(bounds[1]))
            if not judged:
                break
            if any(good is None for _, good in judged):
                return "thin", None
            failing = [start for start, good in judged if not good]
            if not failing:
                return "restored", bounds
            bounds = self.behind(failing[-1])
        return "never", None


def between(lo, hi):
    return {"known": True, "lo": max(0, lo), "hi": None if hi is None else max(0, hi)}


UNKNOWN = {"known": False, "lo": None, "hi": None}


def decided(record, fault):
    """T_dec as bounds on the drill's clock, or None."""
    says = record["target"]["decisions"]
    walls = [r["wall_minus_ns"] for r in record["clock"] or []] or [0]
    found = []
    for d in record["decisions"] or []:
        if says and says["declared"] and d["event"] == says["declared"]:
            bounds = (moment(d["at"]) - max(walls), moment(d["at"]) - min(walls))
            if bounds[1] >= fault[0]:
                found.append(bounds)
    return min(found) if found else None


def rto(pack, record, fault, objective):
    search = Recovery(pack, record, objective)
    start = decided(record, fault) if objective["from"] == "declaration" else fault
    if start is None:
        return UNKNOWN
    what, bounds = search.restored(fault[0] - search.anchor)
    if what in ("none", "thin"):
        return UNKNOWN
    start = tuple(t - search.anchor for t in start)
    if what == "never":
        return between(search.end - start[1], None)
    return between(bounds[0] - start[1], bounds[1] - start[0])


def attempts(pack, record, load):
    """(done, outcome, copies_new) of every write attempt of a load, or of all."""
    result = []
    anchor = moment(record["anchor"])
    for stream in record["streams"]:
        if stream["kind"] != "ledger" or (load and stream["load"] != load):
            continue
        for n, r in enumerate(records(pack, stream, anchor)):
            if r[0] != (stream["id"] << 40) + n + 1:
                raise ValueError("%s: attempt %d has another id" % (stream["file"], n))
            result.append((r[3], r[5], r[7]))
    return result


def lost(writes):
    if any(copies == NOT_READ for _, _, copies in writes):
        return None
    return sum(1 for _, outcome, copies in writes if outcome == ACKNOWLEDGED and copies == 0)


def rpo_time(writes, fault):
    acks = [(done, copies) for done, outcome, copies in writes if outcome == ACKNOWLEDGED]
    recent = sum(1 for done, _ in acks if fault[0] - SECOND <= done < fault[0])
    if lost(writes) is None or recent == 0:
        return UNKNOWN
    gone = [done for done, copies in acks if copies == 0]
    if not gone:
        return between(0, 0)
    if recent < NEEDED_ACKS:
        return UNKNOWN
    kept = [done for done, copies in acks if copies > 0 and done < min(gone)]
    return between(fault[0] - min(gone), fault[1] - max(kept) if kept else None)


def first(objectives, measure):
    return next((o for o in objectives if o["measure"] == measure), None)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("pack", metavar="PACK", help="a pack: a zip, or a directory that holds data/")
    pack = Pack(parser.parse_args().pack)
    record = json.loads(pack.bytes("data/record.json").decode("utf-8"), object_pairs_hook=once)
    if record["format"] != "blackstart.pack/1":
        raise SystemExit("stranger: unknown format %s" % record["format"])
    anchor = moment(record["anchor"])
    clocks = [f for f in record["faults"] or [] if f["plan"]["fault"]["starts_clock"] and f["confirmed"]]
    end = moment(record["observation"]["hi"])
    fault = None
    if len(clocks) == 1:
        fault = (moment(clocks[0]["in_force"]["lo"]), moment(clocks[0]["in_force"]["hi"]))
    elif not record["scenario"]["faults"]:
        fault = (end, end)
    objectives = record["scenario"]["objectives"] or []
    result = {"rto": UNKNOWN, "lost": lost(attempts(pack, record, "")), "rpo_time": UNKNOWN}
    objective = first(objectives, "rto")
    if objective and len(clocks) == 1:
        result["rto"] = rto(pack, record, fault, objective)
    objective = first(objectives, "rpo.time")
    if objective and fault:
        result["rpo_time"] = rpo_time(attempts(pack, record, objective["load"]), tuple(t - anchor for t in fault))
    json.dump(result, sys.stdout, indent=1, sort_keys=True)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
