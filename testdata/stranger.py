#!/usr/bin/env python3
"""Read a pack as a stranger would: RTO, losses, exposure, the decision and wrong answers from its raw files.

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
OK, WRONG, UNSENT, FOREIGN, SHORTAGE, NOT_REPLICATED = 1, 12, 13, 15, 16, 17  # outcomes of a sample
ACKNOWLEDGED = 1  # outcome of an attempt
READING = "after-heal"  # the reading of the databases that counts
CLASSES = ("ok", "failed", "wrong", "unsent", "shortage")  # of outcomes
SECOND = 1_000_000_000
NEEDED_ACKS = 200  # in the second before the fault
BEAT = 250_000_000  # longest time between two heartbeats


class Pack:
    """The files of a pack by their path from its base directory."""

    def __init__(self, path):
        self.zip = None
        self.base = path
        self.known = {}  # files that were read before
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
    if stream["file"] not in pack.known:
        pack.known[stream["file"]] = unpacked(pack, stream, anchor)
    return pack.known[stream["file"]]


KINDS = {1: ("samples", "<QqqqBBHI"), 2: ("ledger", "<QQqqqBBHI"), 3: ("copies", "<B")}


def unpacked(pack, stream, anchor):
    """The records of a file, by the one rule on files that were not closed."""
    data = pack.bytes(stream["file"])
    if not stream["closed"] and len(data) < 64:
        return []  # torn in its header
    magic, version, kind, hlen, rlen, _run, sid, place, host, zero, start, count = struct.unpack("<16sHHHH16sIBBHqQ", data[:64])
    name, layout = KINDS.get(kind, ("", ""))
    if magic != MAGIC or version != 2 or not layout or hlen != 64 or zero != 0 or rlen != struct.calcsize(layout):
        raise ValueError("%s: not a file of this format" % stream["file"])
    if name != stream["kind"] or sid != stream["id"] or start != anchor or (place, host) != (stream["place"], stream["host"]):
        raise ValueError("%s: not the stream the record names" % stream["file"])
    whole, tail = divmod(len(data) - 64, rlen)
    if (count > 0 or stream["closed"]) and (whole, tail) != (count, 0):
        raise ValueError("%s: not as long as it says" % stream["file"])
    if stream["closed"] and count != stream["count"]:
        raise ValueError("%s: not as many records as the record counts" % stream["file"])
    return list(struct.iter_unpack(layout, data[64 : 64 + whole * rlen]))


def ahead(record, stream):
    """Bounds of how far the clock of a stream's host is ahead of the drill's, in ns."""
    offset = record["hosts"][stream["host"]]["clock_offset"]
    if stream["host"] < 0 or offset["lo_ns"] > offset["hi_ns"]:
        raise ValueError("stream %d: no host with a clock" % stream["id"])
    return offset["lo_ns"], offset["hi_ns"]


def check_tables(record):
    """Refuse tables that leave open what an index or a code means."""
    places, codes = record["places"] or [], record["outcomes"] or []
    if [p["role"] for p in places if p["name"] == "outside"] != ["outside"] or len({p["name"] for p in places}) != len(places):
        raise ValueError("the table of places names none that is outside, or one twice")
    if len({c["code"] for c in codes}) != len(codes) or len({c["name"] for c in codes}) != len(codes):
        raise ValueError("the table of outcomes names a code twice, or two alike")
    if any(c["class"] not in CLASSES or (c["class"] == "ok") != (c["code"] == OK) for c in codes):
        raise ValueError("the table of outcomes says of another code than 1 that it is a right answer")
    for stream in record["streams"] or []:
        if not 0 <= stream["place"] < len(places):
            raise ValueError("stream %d: its place is not in the table" % stream["id"])


class Sample:
    """What became of one request."""

    __slots__ = ("due", "done", "outcome", "cohort")

    def __init__(self, due, done, outcome, cohort):
        self.due, self.done, self.outcome, self.cohort = due, done, outcome, cohort

    def bad(self, limit):
        return self.outcome != OK or (limit > 0 and self.done - self.due > limit)


def samples(pack, record, stream):
    """The samples of a stream, each on its schedule."""
    anchor, named = moment(record["anchor"]), {c["code"] for c in record["outcomes"]}
    result = []
    for n, (seq, due, _sent, done, outcome, cohort, _status, _worker) in enumerate(records(pack, stream, anchor)):
        if seq != n or due != stream["start_ns"] + n * stream["per_ns"] // stream["freq"]:
            raise ValueError("%s: sample %d is not on schedule" % (stream["file"], n))
        if outcome == UNSENT and done != -1:
            raise ValueError("%s: sample %d was not sent, yet done" % (stream["file"], n))
        if outcome not in named:
            raise ValueError("%s: sample %d ended as %d, which nothing names" % (stream["file"], n, outcome))
        result.append(Sample(due, done, outcome, cohort))
    return result


class Recovery:
    """The search for the moment at which the service was restored, for one cohort of one load."""

    def __init__(self, pack, record, fault, objective):
        self.anchor = moment(record["anchor"])
        wanted = record["scenario"]["recovered"]
        self.length = wanted["window_ns"]
        self.least = wanted["min_requests"]
        self.share = share(wanted["success_at_least"])
        self.slo = wanted["p99_at_most_ns"]
        streams = [s for s in record["streams"] if s["kind"] == "samples"]
        load = next(s for s in streams if s["load"] == objective["load"])
        self.ahead = ahead(record, load)
        self.end = judged_end(record, fault) - self.anchor + self.ahead[0]  # on the clock of the load
        self.all = samples(pack, record, load)
        self.own, self.cohort = self.pick(load, self.all, objective["cohort"])
        self.edges, self.limit = self.own, load["timeout_ns"]
        self.own_limit = load["timeout_ns"]
        if not (load["traits"]["edges"] or load["traits"]["ledger"]) and self.cohort in (load["traits"]["cohorts"] or []):
            for s in streams:
                names = s["cohorts"] or []
                stands_for = self.cohort in names if names else self.cohort == "fresh"
                if s["traits"]["edges"] and (s["place"], s["host"]) == (load["place"], load["host"]) and stands_for:
                    self.edges, _ = self.pick(s, samples(pack, record, s), self.cohort)
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


def logged(record, event, fault):
    """When the target's log first has an event after the fault, as bounds on the drill's clock, or None."""
    walls = [r["wall_minus_ns"] for r in record["clock"] or []] or [0]
    found = []
    for d in record["decisions"] or []:
        if event and d["event"] == event:
            bounds = (moment(d["at"]) - max(walls), moment(d["at"]) - min(walls))
            if bounds[1] >= fault[0] and bounds[0] < next_clock(record, fault):
                found.append(bounds)
    return min(found) if found else None


def decided(record, fault):
    """T_dec as bounds on the drill's clock, or None."""
    says = record["target"]["decisions"]
    return logged(record, says["declared"], fault) if says else None


def in_force(record, kind, after=""):
    """When the fault came into force that is counted from, or None."""
    faults = sorted(record["faults"] or [], key=lambda f: f["plan"]["fault"]["at_ns"])
    specs = [(f, f["plan"]["fault"]) for f in faults]
    if kind:
        faults = [f for f, spec in specs if spec["kind"] == kind]
    else:
        faults = [f for f, spec in specs if spec["starts_clock"] and after in ("", spec.get("id", ""))]
    if not faults or not faults[0]["confirmed"]:
        return None
    return moment(faults[0]["in_force"]["lo"]), moment(faults[0]["in_force"]["hi"])


def clocks(record):
    """When each fault that starts a clock came into force, in order of time, and whether it takes the primary region away."""
    faults = sorted(record["faults"] or [], key=lambda f: f["plan"]["fault"]["at_ns"])
    faults = [f for f in faults if f["plan"]["fault"]["starts_clock"] and f["confirmed"]]
    plans = [f["plan"] for f in faults]
    gone = [p.get("isolates", False) and p["fault"]["on"] == "primary" for p in plans]
    return [((moment(f["in_force"]["lo"]), moment(f["in_force"]["hi"])), g) for f, g in zip(faults, gone)]


def next_clock(record, fault):
    """When the clock after that of a fault started; for ever after, if there is none."""
    all = [tf for tf, _ in clocks(record)]
    if fault in all[:-1]:
        return all[all.index(fault) + 1][0]
    return 1 << 63


def window_end(record, fault):
    """When the window of a fault ends: with the observation, or when the next clock starts."""
    return min(moment(record["observation"]["hi"]), next_clock(record, fault))


def judged_end(record, fault):
    """When the last request is due that is judged in the window of a fault: before what its end cuts short."""
    scenario, end = record["scenario"], window_end(record, fault)
    if next_clock(record, fault) >= moment(record["observation"]["hi"]) and not scenario.get("observe_undo_ns"):
        return end
    slo = scenario["recovered"]["p99_at_most_ns"]
    return max(fault[0], end - (slo or max(s["timeout_ns"] for s in record["streams"])))


def writable(pack, record, fault, first):
    """By when the standby took its first write in the window of a fault; None if it took none."""
    names = [r["name"] for r in record["target"]["regions"] or [] if r["role"] == "standby"][:1]
    theirs = {c["name"] for c in record["target"]["components"] or [] if [c["region"]] == names}
    began = False
    for o in observations(pack, record, "postgres.writable") or []:
        if o["on"] not in theirs or not o["reached"] or o["lo"] > next_clock(record, fault):
            continue
        if o["ok"] and not began and (first or o["hi"] >= fault[0]):
            return o["hi"]
        began = o["ok"]
    return None


def of_clock(pack, record, writes, fault):
    """The writes, with those taken for kept whose loss another clock counts."""
    every = clocks(record)
    mine = [i for i, (tf, _) in enumerate(every) if tf == fault]
    if len(every) < 2 or not mine:
        return writes
    anchor, cuts = moment(record["anchor"]), []
    for i, (tf, gone) in enumerate(every):
        wrote = writable(pack, record, tf, i == 0)
        cuts.append((tf[0] - anchor, (wrote or tf[1]) - anchor, gone, wrote is not None))

    def loser(done, place, old):
        k = max([0] + [i for i, (start, _, _, _) in enumerate(cuts) if start <= done])
        _, last, gone, moved = cuts[k]
        stays = done <= last or (gone and place) or (moved and old != 0)
        return k if stays or k + 1 == len(cuts) else k + 1

    return [w if w[2] != 0 or loser(w[0][0], *w[4:]) == mine[0] else w[:2] + (-1,) + w[3:] for w in writes]


def observations(pack, record, probe):
    """All answers of a probe, in order of time; None if it was not asked."""
    series = [p for p in record["probes"] or [] if p["probe"] == probe]
    if not series:
        return None
    result = []
    for p in series:
        for line in pack.bytes(p["file"]).decode("utf-8").splitlines():
            o = json.loads(line)
            o["lo"], o["hi"] = moment(o["at"]["lo"]), moment(o["at"]["hi"])
            result.append(o)
    return sorted(result, key=lambda o: o["lo"])


def exposure(pack, record, fault, load):
    """Time, number and value of what a failover at the worst moment would have lost."""
    answers = observations(pack, record, "replication.heartbeat")
    nothing = {"exposure_time": UNKNOWN, "exposure_lost": UNKNOWN, "exposure_value": UNKNOWN}
    if not fault or answers is None:
        return nothing
    anchor, end = moment(record["anchor"]), window_end(record, fault)
    writes = [w for w in attempts(pack, record, load) if w[1] == ACKNOWLEDGED]

    def running(end):
        """Times of the acknowledgements by one end of their bounds, and the amounts up to each."""
        ordered = sorted((anchor + done[end], amount) for done, _, _, amount, _, _ in writes)
        sums = [0]
        for _, amount in ordered:
            sums.append(sums[-1] + amount)
        return [t for t, _ in ordered], sums

    earliest, latest = running(0), running(1)

    def between_times(lo, hi, before, upto):
        a, b = bisect.bisect_left(before[0], lo), bisect.bisect_right(upto[0], hi)
        return (max(0, b - a), upto[1][b] - before[1][a]) if hi >= lo else (0, 0)

    promoted = [o["detail"].startswith("role=promoted") if "detail" in o else False for o in answers]
    tells = [o["reached"] and o["ok"] and o["unit"] == "ns" and o["value"] >= 0 and not p for o, p in zip(answers, promoted)]
    useful = [(o, t) for o, t, p in zip(answers, tells, promoted) if t or p]
    seen, lo, hi = False, [0, 0, 0], [0, 0, 0]
    for i, (o, tell) in enumerate(useful):
        if not tell or o["lo"] > end:
            continue
        upto = min(end, useful[i + 1][0]["hi"]) if i + 1 < len(useful) else end
        beat = o["hi"] - o["value"]
        if upto < fault[0]:
            continue
        hi = [max(x) for x in zip(hi, (upto - beat,) + between_times(beat, upto, latest, earliest))]
        if o["lo"] >= fault[0]:
            seen = True
            lo = [max(x) for x in zip(lo, (o["lo"] - beat,) + between_times(beat + BEAT, o["lo"], earliest, latest))]
    if not seen:
        return nothing
    result = {"exposure_time": between(lo[0], hi[0])}
    for i, name in ((1, "exposure_lost"), (2, "exposure_value")):
        result[name] = between(lo[i], hi[i]) if writes else UNKNOWN
    return result


def decision(pack, record, fault):
    """What the target decided: the word both sides agree on, or both words."""
    says = record["target"]["decisions"]
    if not fault or not says or record["decisions_error"] or not (says["promoted"] or says["switched"] or says["done"]):
        return {"known": False, "text": None}
    has = {name: logged(record, says[name], fault) is not None for name in ("promoted", "switched", "done", "refused")}
    halves = [has[name] for name in ("promoted", "switched") if says[name]]
    word = "none"
    if has["done"] or (halves and all(halves)):
        word = "failed-over"
    elif any(halves):
        word = "half"
    elif has["refused"]:
        word = "refused"
    signs = []
    roles = [r["role"] for r in record["target"]["regions"] or []]
    standby = [r["name"] for r in record["target"]["regions"] or [] if r["role"] == "standby"][:1]
    theirs = {c["name"] for c in record["target"]["components"] or [] if [c["region"]] == standby}
    asked = [o for o in observations(pack, record, "postgres.writable") or [] if o["on"] in theirs]
    several = len(clocks(record)) > 1
    if asked:
        signs.append(writable(pack, record, fault, fault == clocks(record)[0][0] or not several) is not None)
    answers = [o for o in observations(pack, record, "dns.answer") or [] if o["lo"] < next_clock(record, fault)]
    found = [o["value"] for o in answers if o["reached"] and o["ok"] and o["hi"] >= fault[0]]
    if found and "standby" in roles:
        signs.append(roles.index("standby") in found)
    if not several and (record["ledger"]["promoted"] or record["ledger"]["primary"]):
        signs.append(record["ledger"]["promoted"])
    if not signs:
        return {"known": False, "text": None}
    outside = "failed-over" if all(signs) else "half" if any(signs) else "stayed"
    agree = word == outside or (outside == "stayed" and word in ("refused", "none"))
    return {"known": True, "text": word if agree else "log %s, outside %s" % (word, outside)}


def answers_wrong(pack, record, load, stale_after, fault):
    """How many answers were wrong, stale or foreign: from the first fault on, or in the window of a later clock."""
    lows = [moment(f["in_force"]["lo"]) for f in record["faults"] or [] if f["in_force"]["lo"]]
    if not lows:
        return UNKNOWN
    first, end, anchor = min(lows), moment(record["observation"]["hi"]), moment(record["anchor"])
    starts = [tf for tf, _ in clocks(record)]
    if len(starts) > 1:
        if fault not in starts:
            return UNKNOWN
        first, end = first if fault == starts[0] else fault[0], window_end(record, fault)
    asked = [o for o in observations(pack, record, "answers.known") or [] if o.get("answer")]
    acked = sorted((o["hi"], o["answer"]["version"]) for o in asked if o["answer"]["wrote"] and o["reached"] and o["ok"])
    bad = known = markers = given = 0
    for o in asked:
        a = o["answer"]
        foreign = a.get("foreign") or []
        if a["wrote"] or not o["reached"] or not (o["ok"] or a["first"] or foreign) or not first <= o["lo"] <= end:
            continue
        marker = a["question"] == "marker"
        known, markers = known + (not marker), markers + marker
        newest = max([v for t, v in acked if t <= o["lo"] - stale_after], default=0) if marker and stale_after else 0
        bad += bool(foreign) or newest > a["version"] or (not marker and a["first"] != a["right"])
    for stream in record["streams"]:
        if stream["kind"] == "samples" and stream["traits"]["questions"] and load in ("", stream["load"]):
            lo, hi = ahead(record, stream)
            for s in samples(pack, record, stream):
                if first + lo <= anchor + s.due <= end + hi and s.outcome in (OK, WRONG, FOREIGN):
                    given += 1
                    bad += s.outcome != OK
    if known == 0 and (given == 0 or not record["target"]["questions"]):
        return UNKNOWN
    if stale_after and not (acked and markers):
        return UNKNOWN
    return between(bad, bad)


def rto(pack, record, fault, objective):
    search = Recovery(pack, record, fault, objective)
    start = decided(record, fault) if objective["from"] == "declaration" else fault
    if start is None:
        return UNKNOWN
    lo, hi = search.ahead
    what, bounds = search.restored(fault[0] - search.anchor + lo)
    if what in ("none", "thin"):
        return UNKNOWN
    start = tuple(t - search.anchor for t in start)
    if what == "never":
        return between(search.end - hi - start[1], None)
    return between(bounds[0] - hi - start[1], bounds[1] - lo - start[0])


def copies(pack, record, stream, node, anchor):
    """How many rows a database held of each attempt of a ledger; None for each if it was not read."""
    files = [c for c in record["ledger"]["copies"] or [] if (c["stream"], c["node"], c["reading"]) == (stream["id"], node, READING)]
    if not files or not node:
        return [None] * stream["count"]
    if len(files) > 1 or files[0]["count"] != stream["count"]:
        raise ValueError("stream %d: not one file of copies for all its attempts on %s" % (stream["id"], node))
    found = [n for n, in records(pack, dict(files[0], id=stream["id"], kind="copies", closed=True, place=0, host=0), anchor)]
    if 255 in found:
        raise ValueError("%s: copies of 255" % files[0]["file"])
    return found


def attempts(pack, record, load):
    """Of every attempt of a load, or of all: (bounds of done, outcome, copies on the database that serves, amount, in the primary
    region, copies on the old primary)."""
    result = []
    anchor = moment(record["anchor"])
    for stream in record["streams"]:
        if stream["kind"] != "ledger" or (load and stream["load"] != load):
            continue
        found, old = (copies(pack, record, stream, record["ledger"][node], anchor) for node in ("primary", "old_primary"))
        lo, hi = ahead(record, stream)
        for n, r in enumerate(records(pack, stream, anchor)):
            if r[6] != stream["place"]:
                raise ValueError("%s: attempt %d was made at another place" % (stream["file"], n))
            if r[0] != (stream["id"] << 40) + n + 1 or r[7] != 0:
                raise ValueError("%s: attempt %d has another id, or bytes that must be 0" % (stream["file"], n))
            primary = record["places"][r[6]]["role"] == "primary"
            result.append(((r[3] - hi, r[3] - lo), r[5], found[n], r[4], primary, old[n]))
    return result


def lost(record, writes, fault):
    """How many acknowledged writes are missing; None if that is not known."""
    if fault is None or not record["ledger"]["read"] or any(w[2] is None for w in writes):
        return None
    acked = [w[2] for w in writes if w[1] == ACKNOWLEDGED]
    return sum(1 for copies in acked if copies == 0) if acked else None


def rpo_time(record, writes, fault):
    acks = [(w[0], w[2]) for w in writes if w[1] == ACKNOWLEDGED]
    recent = sum(1 for done, _ in acks if fault[0] - SECOND <= done[0] and done[1] < fault[0])
    if lost(record, writes, fault) is None or recent == 0:
        return UNKNOWN
    gone = [done for done, copies in acks if copies == 0]
    if not gone:
        return between(0, 0)
    if recent < NEEDED_ACKS:
        return UNKNOWN
    first = tuple(min(done[end] for done in gone) for end in (0, 1))
    kept = [done[0] for done, copies in acks if copies > 0 and done[1] < first[0]]
    return between(fault[0] - first[1], fault[1] - max(kept) if kept else None)


def interrupted(pack, record):
    """What is left of a drill whose process died: what its files hold, and no value of anything that was to be judged."""
    anchor = moment(record["anchor"])
    files = {}
    for stream in record["streams"] or []:
        files[stream["file"]] = {"closed": stream["closed"], "records": len(records(pack, stream, anchor))}
    for p in record["probes"] or []:
        lines = pack.bytes(p["file"]).split(b"\n")  # the last line was being written if it has no newline
        for line in lines[:-1]:
            json.loads(line.decode("utf-8"))
        files[p["file"]] = {"closed": lines[-1] == b"", "records": len(lines) - 1}
    values = dict.fromkeys(("rto", "rpo_time", "exposure_time", "exposure_lost", "exposure_value", "answers_wrong"), UNKNOWN)
    return dict(values, status="interrupted", lost=None, decision={"known": False, "text": None}, files=files)


def observed(pack, record):
    """An observation proves nothing, whatever its files hold: no value of anything, and what was broken is nothing."""
    if record["faults"] or record.get("people"):
        raise ValueError("it observed only, and something was broken, or asked of people")
    anchor = moment(record["anchor"])
    files = {s["file"]: len(records(pack, s, anchor)) for s in record["streams"] or []}
    values = dict.fromkeys(("rto", "rpo_time", "exposure_time", "exposure_lost", "exposure_value", "answers_wrong"), UNKNOWN)
    left = [" ".join(filter(None, (w["what"], w["name"], w["kind"]))) for w in record["observe_only"]["left_out"] or []]
    return dict(values, status=record["status"], observed_only=True, lost=None, decision={"known": False, "text": None}, files=files, left_out=left)


def exercised(pack, record, load, fault):
    """Whether anything was recovered: a failover, or a ledger that was written again after an impact."""
    starts = [tf for tf, _ in clocks(record)]
    failed_over = record["ledger"]["promoted"]
    if len(starts) > 1:
        failed_over = writable(pack, record, fault, fault == starts[0]) is not None
    if failed_over:
        return True
    anchor, end = moment(record["anchor"]), judged_end(record, fault)
    ledgers = {s["load"] for s in record["streams"] if s["kind"] == "ledger" and load in ("", s["load"])}
    for stream in record["streams"]:
        if stream["kind"] != "samples" or stream["load"] not in ledgers:
            continue
        limit, hurt, (lo, hi) = stream["timeout_ns"], False, ahead(record, stream)
        for s in samples(pack, record, stream):
            if not fault[0] + lo <= anchor + s.due <= end + hi:
                continue
            if s.bad(limit):
                hurt = True
            elif hurt and anchor + s.due >= fault[1] + hi:
                return True
    return False


def first(objectives, measure):
    return next((o for o in objectives if o["measure"] == measure), None)


def gapped(record):
    """Whether the harness could not measure for a time between the begin of the baseline and the end of watching."""
    start, end = moment(record["baseline"]["lo"]), moment(record["observation"]["hi"]) or 0
    end = max(end, moment((record["undo"].get("watched") or {}).get("hi")) or 0)
    return any(moment(g["at"]["hi"]) > (start or 0) and (end == 0 or moment(g["at"]["lo"]) < end) for g in record.get("gaps") or [])


def show(result):
    json.dump(result, sys.stdout, indent=1, sort_keys=True)
    sys.stdout.write("\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("pack", metavar="PACK", help="a pack: a zip, or a directory that holds data/")
    pack = Pack(parser.parse_args().pack)
    record = json.loads(pack.bytes("data/record.json").decode("utf-8"), object_pairs_hook=once)
    if record["format"] != "blackstart.pack/2":
        raise SystemExit("stranger: unknown format %s" % record["format"])
    check_tables(record)
    if record["status"] == "interrupted":
        show(interrupted(pack, record))
        return
    if record.get("observe_only"):
        show(observed(pack, record))
        return
    anchor, end = moment(record["anchor"]), moment(record["observation"]["hi"])
    objectives = record["scenario"]["objectives"] or []
    null = not record["scenario"]["faults"]

    def asked(measure):
        """The first objective on a measure, or one that asks for all, and the fault it counts from."""
        o = first(objectives, measure) or {"load": "", "missing": True}
        return o, None if null else in_force(record, o.get("fault") or "", o.get("after") or "")

    result = {"status": record["status"], "rto": UNKNOWN, "rpo_time": UNKNOWN}
    fault = (end, end) if null else asked("rpo.lost")[1]
    result["lost"] = lost(record, of_clock(pack, record, attempts(pack, record, ""), fault), fault)
    objective, fault = asked("rto")
    if fault and "missing" not in objective:
        result["rto"] = rto(pack, record, fault, objective)
    objective, fault = asked("rpo.time")
    if fault and "missing" not in objective:
        writes = of_clock(pack, record, attempts(pack, record, objective["load"]), fault)
        if lost(record, writes, fault) or exercised(pack, record, objective["load"], fault):
            result["rpo_time"] = rpo_time(record, writes, tuple(t - anchor for t in fault))
    for name in ("exposure_time", "exposure_lost", "exposure_value"):
        objective, fault = asked(name.replace("_", "."))
        result[name] = exposure(pack, record, fault, objective["load"])[name]
    result["decision"] = decision(pack, record, asked("decision")[1])
    objective, fault = asked("answers.wrong")
    stale_after = objective.get("stale_after_ns") or 0
    result["answers_wrong"] = UNKNOWN if null else answers_wrong(pack, record, objective["load"], stale_after, fault)
    if gapped(record):  # times that may be the harness's own
        result["rto"] = result["rpo_time"] = result["exposure_time"] = UNKNOWN
    show(result)


if __name__ == "__main__":
    main()
