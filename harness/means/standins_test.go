package means

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"blackstart/harness"
)

var (
	_ = addGround("a unit", "process.systemd", systemdGround)
	_ = addGround("a deployment", "kubernetes.deployment", deploymentGround)
	_ = addGround("pods", "kubernetes.pod", podGround)
)

// standIn writes a program that stands in for another, and gives the directory that it is in. It keeps what it knows beside it.
func standIn(t *testing.T, name, script string) (dir string) {
	t.Helper()
	needs(t, "busybox", "dash")
	dir = t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/dash\nPATH="+standardPath+"\nhere="+dir+"\necho \"$*\" >>$here/log\n"+script), 0o755))
	return dir
}

func content(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(b))
}

// systemctl stands in for that of systemd 252 with one unit, whose process is real. It takes the words that it is given as they are, and
// answers in the order that systemctl does, which is not that of the questions.
const systemctl = `pid=$(cat $here/pid 2>/dev/null)
lives() { test -n "$pid" && kill -0 "$pid" 2>/dev/null && ! grep -q '^State:.Z' /proc/$pid/status; }
case "$*" in
'show -p LoadState -p ActiveState -p FreezerState -p MainPID drill.service')
	active=active
	if ! lives; then active=failed; pid=0; test ! -e $here/stopped || active=inactive; fi
	test ! -e $here/oneshot || { active=active; pid=0; }
	printf 'MainPID=%s\nLoadState=loaded\nActiveState=%s\nFreezerState=running\n' $pid $active ;;
'show '*) printf 'MainPID=0\nLoadState=not-found\nActiveState=inactive\nFreezerState=running\n' ;;
'stop drill.service') touch $here/stopped; ! lives || { kill -CONT $pid; kill $pid; while lives; do sleep 0.05; done; } ;;
'reset-failed drill.service') touch $here/stopped ;;
'start drill.service')
	if ! lives; then rm -f $here/stopped; setsid sleep 6000 </dev/null >/dev/null 2>&1 & echo $! >$here/pid; fi
	sleep 0.2 ;;
'kill -s KILL drill.service' | 'kill -s STOP drill.service' | 'kill -s CONT drill.service') lives && kill -s $3 $pid ;;
*) echo "Unknown command verb $1." >&2; exit 1 ;;
esac
`

func systemdGround(t *testing.T) ground {
	dir := standIn(t, "systemctl", systemctl)
	begin(t, []any{dir + "/systemctl", "start", "drill.service"})
	t.Cleanup(func() { _ = exec.Command("kill", "-9", content(t, dir+"/pid")).Run() })
	return ground{on: Subject{Run: "run-1"}, with: map[string]any{"unit": "drill.service"}, path: dir,
		simulated: "systemctl of a unit whose process is real: there is no systemd here",
		broken: func(context.Context) bool {
			status := content(t, "/proc/"+content(t, dir+"/pid")+"/status")
			return status == "" || strings.Contains(status, "State:\tZ") || strings.Contains(status, "State:\tT")
		}}
}

// A unit that has no process of its own would be broken without effect.
func TestAUnitWithoutAProcessIsNoVictim(t *testing.T) {
	g := systemdGround(t)
	s := dash
	s.path = g.path + ":" + s.path
	must(t, os.WriteFile(g.path+"/oneshot", nil, 0o644))
	k, _ := made(t, "process.systemd", g.with)
	if _, complaint, err := s.run(t, k.Needs(g.on).Try); err == nil || !strings.Contains(complaint, "no process of its own") {
		t.Errorf("%v: %s", err, complaint)
	}
	for _, act := range everyAct {
		if scripts, err := k.Scripts(harness.Action{Kind: act}, g.on); err != nil {
			t.Error(err)
		} else if _, _, err := s.run(t, scripts.Do); err == nil {
			t.Errorf("%s hits nothing and says that it did", act)
		}
	}
}

// kubectlDeployment stands in for kubectl 1.32 and a cluster with one deployment: a change is a JSON merge patch, and is refused where
// it speaks of another version.
const kubectlDeployment = `test "$1 $2 $3 $4 $5" = '--request-timeout=10s --context east -n orders' || { echo "error: context $3 does not exist" >&2; exit 1; }
shift 5
case "$1 $2 $3" in
'get deployment api') cat $here/replicas | tr -d '\n'; echo "/$(cat $here/version)/$(cat $here/run 2>/dev/null)/$(cat $here/had 2>/dev/null)" | tr -d '\n' ;;
'auth can-i '*) test -e $here/allowed && echo yes || { echo no; exit 1; } ;;
'patch deployment api')
	test "$4 $5" = '--type=merge -p' || exit 1
	version=$(printf %s "$6" | jq -er .metadata.resourceVersion) || exit 1
	test "$version" = "$(cat $here/version)" || { echo 'Error from server (Conflict): the object has been modified' >&2; exit 1; }
	printf %s "$6" | jq -er .spec.replicas >$here/replicas
	for k in run:blackstart-run had:blackstart-replicas; do
		printf %s "$6" | jq -r ".metadata.annotations[\"${k#*:}\"] // empty" | tr -d '\n' >$here/${k%:*}
	done
	echo $((version + 1)) >$here/version ;;
*) echo "Error from server (NotFound): deployments.apps \"$3\" not found" >&2; exit 1 ;;
esac
`

func deploymentGround(t *testing.T) ground {
	needs(t, "jq")
	dir := standIn(t, "kubectl", kubectlDeployment)
	for name, text := range map[string]string{"replicas": "3", "version": "41", "allowed": ""} {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	return ground{on: Subject{Run: "run-1"}, path: dir, simulated: "kubectl, and the cluster behind it",
		with: map[string]any{"context": "east", "namespace": "orders", "deployment": "api"},
		broken: func(context.Context) bool {
			n := content(t, dir+"/replicas")
			if n != "0" && n != "3" || n == "3" && content(t, dir+"/had")+content(t, dir+"/run") != "" {
				t.Errorf("it has %s replicas, and is marked %q", n, content(t, dir+"/run"))
			}
			return n == "0"
		}}
}

// A number that somebody else has changed meanwhile is left, and so is what another run has marked.
func TestADeploymentThatOthersChanged(t *testing.T) {
	g := deploymentGround(t)
	s := dash
	s.path = g.path + ":" + s.path
	state, do, undo := scriptsOf(t, g, "kubernetes.deployment", harness.ComponentStop)
	if _, complaint, err := s.run(t, do); err != nil {
		t.Fatal(complaint)
	}
	must(t, os.WriteFile(g.path+"/replicas", []byte("5"), 0o644))
	if word, _, _ := s.run(t, state); word != "changed" {
		t.Errorf("it is %q", word)
	}
	if _, complaint, err := s.run(t, undo); err == nil || content(t, g.path+"/replicas") != "5" {
		t.Errorf("what somebody else has changed was changed: %s", complaint)
	}
	must(t, os.WriteFile(g.path+"/replicas", []byte("0"), 0o644))
	must(t, os.WriteFile(g.path+"/run", []byte("run-0"), 0o644))
	if word, _, _ := s.run(t, state); word != "of-another-run" {
		t.Errorf("it is %q", word)
	}
	must(t, os.Remove(g.path+"/allowed"))
	k, _ := made(t, "kubernetes.deployment", g.with)
	if _, complaint, err := s.run(t, k.Needs(g.on).Try); err == nil || !strings.Contains(complaint, "may not get deployment api") {
		t.Errorf("%v: %s", err, complaint)
	}
}

// kubectlPods stands in for kubectl and a controller that makes pods anew: they are ready when they have been asked for twice.
const kubectlPods = `shift 5
case "$1 $2 $3" in
'get pods -l')
	n=$(cat $here/asked 2>/dev/null || echo 9)
	echo $((n + 1)) >$here/asked
	ready=True
	test "$n" -ge 2 || ready=False
	kind=$(cat $here/kind)
	printf '/%s/%s 2026-11-30T00:00:00Z/%s/True /%s/True ' "$kind" $ready "$kind" "$kind" ;;
'auth can-i '*) echo yes ;;
'delete pods -l') echo "$*" >$here/deleted; echo 0 >$here/asked ;;
*) exit 1 ;;
esac
`

func podGround(t *testing.T) ground {
	dir := standIn(t, "kubectl", kubectlPods)
	must(t, os.WriteFile(dir+"/kind", []byte("ReplicaSet"), 0o644))
	return ground{on: Subject{Run: "run-1"}, path: dir, simulated: "kubectl, and the controller behind it", passing: true,
		with: map[string]any{"context": "east", "namespace": "orders", "selector": "app=api"},
		broken: func(context.Context) bool {
			n, err := strconv.Atoi(content(t, dir+"/asked"))
			return err == nil && n < 2
		}}
}

// A pod of a set whose members must be one at a time is not taken by force; one that nobody makes anew is not taken.
func TestPodsAreTakenByTheirControllers(t *testing.T) {
	g := podGround(t)
	s := dash
	s.path = g.path + ":" + s.path
	state, do, _ := scriptsOf(t, g, "kubernetes.pod", harness.ComponentKill)
	for kind, want := range map[string]string{"ReplicaSet": "--wait=false --grace-period=0 --force", "StatefulSet": "--wait=false --grace-period=1", "": ""} {
		must(t, os.WriteFile(g.path+"/kind", []byte(kind), 0o644))
		_ = os.Remove(g.path + "/asked")
		_ = os.Remove(g.path + "/deleted")
		_, complaint, err := s.run(t, do)
		if got := content(t, g.path+"/deleted"); (err == nil) != (want != "") || !strings.HasSuffix(got, want) || want == "" && got != "" {
			t.Errorf("%q: %v: %s: %q, want %q", kind, err, complaint, got, want)
		}
	}
	if word, _, _ := s.run(t, state); word != "without-a-controller" {
		t.Errorf("it is %q", word)
	}
}
