// Package untouched is how tests see that a system which was only looked at is as it was: it takes down all that a visitor could have
// changed, so that two states can be compared. What any session that reads leaves is not part of it: lines in logs, counts of
// connections and of reads.
//
// It is used by tests alone, and changes nothing itself. Pages that were just written carry hint bits that the next reader sets: who
// compares has everything read once before.
package untouched

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// questions are what is asked of a database that leads: where its log ends, what it has counted of writes, and what there is.
var questions = map[string]string{
	"wal": "SELECT pg_current_wal_insert_lsn()::text", "xid": "SELECT pg_snapshot_xmax(pg_current_snapshot())::text",
	"tuples":   "SELECT sum(tup_inserted + tup_updated + tup_deleted)::text FROM pg_stat_database",
	"tables":   "SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del + n_tup_hot_upd), 0)::text FROM pg_stat_all_tables",
	"roles":    "SELECT string_agg(r::text, ',' ORDER BY rolname) FROM pg_roles r",
	"settings": "SELECT md5(string_agg(name || setting, ',' ORDER BY name)) FROM pg_settings WHERE name NOT LIKE '%search_path%' AND source <> 'client'",
	"objects":  "SELECT count(*)::text FROM pg_class", "prepared": "SELECT count(*)::text FROM pg_prepared_xacts",
}

// written are the folders of a data directory that hold what was written: not statistics, nor locks.
var written = []string{"base", "global", "pg_wal", "pg_multixact", "pg_twophase", "pg_replslot"}

// Database is the state of a database that leads, asked by a session of its owner, and of the files in data directories, its own and
// its standbys'.
func Database(ctx context.Context, owner *pgx.Conn, dataDirs ...string) (map[string]string, error) {
	all := map[string]string{}
	for name, sql := range questions {
		var v string
		if err := owner.QueryRow(ctx, sql).Scan(&v); err != nil {
			return nil, fmt.Errorf("ask for %s: %w", name, err)
		}
		all[name] = v
	}
	for _, dir := range dataDirs {
		for _, below := range written {
			err := filepath.WalkDir(filepath.Join(dir, below), func(path string, d fs.DirEntry, err error) error {
				if err != nil || d.IsDir() || d.Name() == "pg_internal.init" {
					return err
				}
				b, err := os.ReadFile(path)
				all[path] = fmt.Sprintf("%x", sha256.Sum256(b))
				return err
			})
			if err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

// firewalls are what lists the rules of this machine, where it is installed and may be run.
var firewalls = [][]string{{"nft", "-s", "list", "ruleset"}, {"iptables-save"}, {"ip6tables-save"}, {"tc", "qdisc", "show"}, {"ip", "rule"}, {"ip", "route", "show", "table", "all"}}

var (
	counts    = regexp.MustCompile(`counter packets \d+ bytes \d+`)
	elsewhere = regexp.MustCompile(`\bdev [^l]|\bdev l[^o]|\b(docker|br-|veth)|DOCKER|\b172\.`) // interfaces that come and go with what others run here
)

// ofLoopback leaves out what changes by itself: comments, which have the time, counts of packets, and what speaks of other interfaces.
func ofLoopback(listed string) string {
	var kept []string
	for line := range strings.Lines(listed) {
		if !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, ":") && !elsewhere.MatchString(line) {
			kept = append(kept, counts.ReplaceAllString(line, "counter"))
		}
	}
	return strings.Join(kept, "")
}

// Machine is the state of this machine: the rules of its firewall and its routes, as far as they may bear on loopback, and the processes below
// some, with when each began and its title.
// Sessions of a database end when their clients do: who compares waits for that.
func Machine(parents ...int) map[string]string {
	all := map[string]string{}
	for _, argv := range firewalls {
		cmd := exec.Command(argv[0], argv[1:]...)
		cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}
		out, err := cmd.Output()
		if err != nil {
			continue // not here
		}
		all[strings.Join(argv, " ")] = ofLoopback(string(out))
	}
	for _, pid := range parents {
		children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", pid))
		var lines []string
		for _, child := range append(strings.Fields(string(children)), fmt.Sprint(pid)) {
			stat, err := os.ReadFile("/proc/" + child + "/stat")
			title, _ := os.ReadFile("/proc/" + child + "/cmdline")
			fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
			if err != nil || len(fields) < 20 {
				continue // it has just ended
			}
			words, _, _ := strings.Cut(string(title), "\x00")
			if strings.Contains(words, "walreceiver") || strings.Contains(words, "walsender") || strings.Contains(words, "startup") { // their titles say how far they are
				words = strings.Join(strings.Fields(words)[:3], " ")
			}
			lines = append(lines, child+" began "+fields[19]+" "+words)
		}
		slices.Sort(lines)
		all[fmt.Sprintf("processes of %d", pid)] = strings.Join(lines, "\n")
	}
	return all
}
