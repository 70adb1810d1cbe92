package postgres

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fake makes a directory with programs that print this version.
func fake(t *testing.T, version string) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "pg-fake-*")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	script := "#!/bin/sh\necho 'postgres (PostgreSQL) " + version + "'\n"
	for _, name := range []string{"postgres", "initdb"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestFindTakesTheFirstThatWillDo(t *testing.T) {
	old, good, better := fake(t, "13.21"), fake(t, "14.3"), fake(t, "17beta1")
	in, err := Find(context.Background(), Options{candidates: func() []string { return []string{"/nowhere", old, good, better} }})
	if err != nil || in.Bin != good || in.Version != "14.3" || in.Major != 14 || in.Bundle {
		t.Errorf("found %+v, %v", in, err)
	}
	in, err = Find(context.Background(), Options{Source: better})
	if err != nil || in.Version != "17beta1" {
		t.Errorf("found %+v, %v", in, err)
	}
	for _, source := range []string{old, "/nowhere"} {
		var known *Error
		if _, err = Find(context.Background(), Options{Source: source}); !errors.As(err, &known) {
			t.Errorf("source %s: %v", source, err)
		}
	}
}

func TestFindNothing(t *testing.T) {
	none := func() []string { return []string{"/nowhere"} }
	_, err := Find(context.Background(), Options{candidates: none})
	var known *Error
	if !errors.As(err, &known) || !strings.Contains(err.Error(), "apt-get install postgresql") {
		t.Errorf("nothing anywhere: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	said := ""
	_, err = Find(ctx, Options{CacheDir: t.TempDir(), Notice: func(s string) { said = s }, candidates: none})
	if !errors.As(err, &known) || said == "" {
		t.Errorf("no way to fetch: %v, said %q", err, said)
	}
}

func TestCheckDigest(t *testing.T) {
	dir := t.TempDir()
	if err := checkDigest(dir, bundleDigests["amd64"]); err == nil {
		t.Error("no archive was accepted")
	}
	if err := os.WriteFile(filepath.Join(dir, "a.txz"), []byte("not the bundle"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := checkDigest(dir, bundleDigests["amd64"]); err == nil || !strings.Contains(err.Error(), "not the one we know") {
		t.Errorf("another archive: %v", err)
	}
}

func TestParseHistory(t *testing.T) {
	fork, err := parseHistory("00000003", []byte("1\t0/3000148\tno recovery target specified\n\n2\t1/A0\tno recovery target specified\n"))
	if err != nil || fork != (Fork{Timeline: 3, Parent: 2, At: 1<<32 + 0xA0}) || fork.At.String() != "1/A0" {
		t.Errorf("fork %+v, %v", fork, err)
	}
	for _, bad := range []string{"", "1\n", "x 0/1 y\n", "1 0-1 y\n", "1 0/xx y\n", "1 zz/0 y\n"} {
		if _, err := parseHistory("00000002", []byte(bad)); err == nil {
			t.Errorf("history %q was accepted", bad)
		}
	}
}

func TestScanLeavesOthersOut(t *testing.T) {
	s := &walScan{relation: "1663/5/20", from: 0x100, touched: map[string]bool{}}
	for _, line := range []string{
		"rmgr: Heap        len (rec/tot):     59/    59, tx:        700, lsn: 0/000000F0, prev 0/000000E0, desc: INSERT off 1 flags 0x00, blkref #0: rel 1663/5/20 blk 0\n",
		"rmgr: Transaction len (rec/tot):     34/    34, tx:        700, lsn: 0/000000F8, prev 0/000000F0, desc: COMMIT 2026-11-24 17:00:00.5 UTC\n",
		"rmgr: Heap        len (rec/tot):     59/    59, tx:        701, lsn: 0/00000110, prev 0/000000F8, desc: INSERT off 1 flags 0x00, blkref #0: rel 1663/5/201 blk 0\n",
		"rmgr: Transaction len (rec/tot):     34/    34, tx:        701, lsn: 0/00000120, prev 0/00000110, desc: COMMIT 2026-11-24 17:00:01.5 UTC\n",
		"rmgr: Heap        len (rec/tot):     59/    59, tx:        702, lsn: 0/00000130, prev 0/00000120, desc: LOCK off 1, blkref #0: rel 1663/5/20 blk 0\n",
		"rmgr: Transaction len (rec/tot):     34/    34, tx:        702, lsn: 0/00000140, prev 0/00000130, desc: COMMIT 2026-11-24 17:00:02.5 UTC\n",
		"rmgr: Heap        len (rec/tot):     59/    59, tx:        703, lsn: 0/00000150, prev 0/00000140, desc: HOT_UPDATE off 1 xmax 703, blkref #0: rel 1663/5/20 blk 0 FPW\n",
		"rmgr: Transaction len (rec/tot):     34/    34, tx:        703, lsn: 0/00000160, prev 0/00000150, desc: ABORT 2026-11-24 17:00:03.5 UTC\n",
		"rmgr: Heap2       len (rec/tot):     59/    59, tx:        705, lsn: 0/00000170, prev 0/00000160, desc: MULTI_INSERT+INIT 2 tuples, blkref #0: rel 1663/5/20 blk 0\n",
		"rmgr: Transaction len (rec/tot):     34/    34, tx:        704, lsn: 0/00000180, prev 0/00000170, desc: COMMIT 2026-11-24 17:00:04.25 UTC; subxacts: 706 705; inval msgs: catcache 1\n",
	} {
		if err := s.dumped(line); err != nil {
			t.Fatal(err)
		}
	}
	if s.before == nil || s.before.XID != 700 {
		t.Errorf("before the fork: %+v", s.before)
	}
	if len(s.commits) != 1 || s.commits[0].XID != 704 || s.commits[0].LSN != 0x180 || s.commits[0].At.Nanosecond() != 250e6 {
		t.Errorf("commits %+v", s.commits)
	}
}
