package means

import (
	"net"
	"strings"

	"blackstart/harness"
	"blackstart/harness/lease"
)

// Words of a link that is asked from its from end.
const (
	Answers = harness.LinkWordAnswers // a connection was taken
	Refused = harness.LinkWordRefused // somebody said no: the other end, or a firewall on the way
	Silent  = harness.LinkWordSilent  // nobody said anything
)

// LinkProbe is a POSIX sh script that tries to connect to a "host:port" with whatever the host has to do that, and prints one word:
// Answers, Refused or Silent. Nothing is sent. It takes up to two seconds, and what it takes to resolve a name. Where nothing can connect, or the name is not known, it prints
// none and ends with 1; the last line of its complaints says why.
//
// Each program says in its own words why there is no connection, and those that say it best come first. An address to which there is no
// way is silent where the kernel has looked for it on the wire and found nobody, and refused where somebody on the way says so.
func LinkProbe(to string) string {
	host, port, err := net.SplitHostPort(to)
	if err != nil {
		return "echo " + lease.Quote(err.Error()) + " >&2; exit 1\n"
	}
	return "host=" + lease.Quote(host) + " port=" + lease.Quote(port) + strings.Replace(linkProbe, "SECONDS", "2", -1)
}

const linkProbe = `
LC_ALL=C PATH="$PATH:/usr/local/bin:/usr/bin:/bin"; export LC_ALL PATH
judge() {
  case $said in
  answers) word=answers ;;
  *'timed out'* | *TIMEOUT*) word=silent ;;
  *'onnection refused'* | *'onnection reset'*) word=refused ;;
  *'o route to host'* | *nreachable*)
    word=refused
    while read -r address _ flags _; do [ "$address $flags" != "$host 0x0" ] || word=silent; done </proc/net/arp ;;
  *) return 1 ;;
  esac
  echo $word
}
by_python3() {
  said=$(python3 -c '
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), SECONDS).close()
    print("answers")
except OSError as e:
    print("timed out" if isinstance(e, socket.timeout) else e)
' "$host" "$port" 2>&1)
}
by_perl() {
  said=$(perl -MIO::Socket::IP -e '
my $s = IO::Socket::IP->new(PeerHost => $ARGV[0], PeerPort => $ARGV[1], Timeout => SECONDS, Type => SOCK_STREAM);
print $s ? "answers" : "$@";
' "$host" "$port" 2>&1)
}
by_bash() {
  said=$(timeout SECONDS bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$host" "$port" 2>&1)
  case $? in 0) said=answers ;; 124 | 143) said='timed out' ;; esac
}
by_curl() {
  case $host in *:*) at="[$host]:$port" ;; *) at=$host:$port ;; esac
  said=$(curl -v -s --noproxy '*' --connect-timeout SECONDS --max-time SECONDS "telnet://$at" </dev/null 2>&1)
  case $? in 28) timed='timed out' ;; *) timed= ;; esac
  case $said in *'Connected to '*) said=answers ;; *) said="$said $timed" ;; esac
}
by_ncat() { said=$(ncat -z -v -w SECONDS "$host" "$port" 2>&1) && said=answers; }
by_nc() {
  case $(nc -h 2>&1) in
  *BusyBox*) said=$(nc -w SECONDS "$host" "$port" -e true 2>&1) && said=answers ;;
  *) said=$(nc -z -v -w SECONDS "$host" "$port" 2>&1) && said=answers ;;
  esac
}
by_busybox() { said=$(busybox nc -w SECONDS "$host" "$port" -e true 2>&1) && said=answers; }
case $host in *:*) ;; *[!0-9.]*)
  if command -v getent >/dev/null 2>&1; then
    address=$(getent ahosts "$host" | sed -n '1s/ .*//p')
    [ -n "$address" ] || { echo "the name $host is not known here" >&2; exit 1; }
    host=$address
  fi ;;
esac
why='there is no python3, perl, bash, curl, ncat, nc or busybox here'
for by in python3 perl bash curl ncat nc busybox; do
  command -v $by >/dev/null 2>&1 || continue
  by_$by
  judge && exit
  why="$by says: $said"
done
printf '%s\n' "$why" >&2
exit 1
`
