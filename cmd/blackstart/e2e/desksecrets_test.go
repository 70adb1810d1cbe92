package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// secrets are all that a target file of the firm refers to, each as whoever has it knows it. None may be found anywhere.
type secrets struct {
	password string // of the database role, in a file
	header   string // that clients of the service have, in the environment
	bearer   string // of the metrics, printed by a program
	page     string // key of the alert channels, printed by a program
	hook     string // path of the operators' chat, which is its secret, in a file
	stdin    string // that a program reads
	client   string // key of the client certificate in PEM, in a file
	server   string // key of the alert channels' certificate in PEM, printed by a program
	tls      *tls.Config
}

// headerVariable is the variable of the environment that holds a secret.
const headerVariable = "DESK_KEY"

func newSecrets(t *testing.T, dir string) secrets {
	t.Helper()
	token := func(name string) string { return "pl4nted-" + name + "-" + rand.Text() }
	s := secrets{password: token("password+/=?") + "'x", header: token("header"), bearer: "Bearer " + token("bearer"), page: token("page"),
		hook: "/services/T/B/" + token("hook"), stdin: token("stdin")}
	root := authority(t)
	write := func(name, text string) { must(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600)) }
	write("roots.pem", root.pem())
	ours, theirs, clients := root.issue(t), root.issue(t), root.issue(t)
	s.client, s.server = clients.key(t), ours.key(t)
	for name, text := range map[string]string{"password": s.password + "\n", "bearer": s.bearer, "page": s.page, "stdin": s.stdin, "client.key": s.client,
		"client.pem": clients.pem(), "alerts.pem": ours.pem(), "alerts.key": s.server} {
		write(name, text)
	}
	// Both take their time, so that who looks sees them.
	must(t, os.WriteFile(filepath.Join(dir, "vault"), []byte("#!/bin/sh\nsleep 0.1\nexec cat \"$(dirname \"$0\")/$1\"\n"), 0o700))
	must(t, os.WriteFile(filepath.Join(dir, "queue"), []byte("#!/bin/sh\nsleep 0.2\necho 3\n"), 0o700))
	pool := x509.NewCertPool()
	pool.AddCert(root.cert)
	s.tls = &tls.Config{MinVersion: tls.VersionTLS12, ClientAuth: tls.VerifyClientCertIfGiven, ClientCAs: pool, NextProtos: []string{"http/1.1"},
		Certificates: []tls.Certificate{{Certificate: [][]byte{theirs.cert.Raw}, PrivateKey: theirs.secret}}}
	return s
}

// planted are the texts that are looked for, by name.
func (s secrets) planted() map[string]string {
	inner := func(pem string) string { return strings.ReplaceAll(strings.Split(pem, "-----")[2], "\n", "")[:60] }
	return map[string]string{"password of the database": s.password, "header of the entry": s.header, "bearer of the metrics": strings.TrimPrefix(s.bearer, "Bearer "),
		"key of the alerts": s.page, "webhook of the chat": s.hook[strings.LastIndex(s.hook, "/")+1:], "what a program reads": s.stdin,
		"key of the client": inner(s.client), "key of our ends": inner(s.server)}
}

// party has a certificate and its key.
type party struct {
	cert   *x509.Certificate
	secret *ecdsa.PrivateKey
}

func authority(t *testing.T) party {
	return issued(t, &x509.Certificate{IsCA: true, KeyUsage: x509.KeyUsageCertSign}, nil)
}

func (p party) issue(t *testing.T) party {
	return issued(t, &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}, &p)
}

// issued makes a certificate for the firm's address, by an authority or, without one, by itself.
func issued(t *testing.T, c *x509.Certificate, by *party) party {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	must(t, err)
	c.SerialNumber, c.Subject, c.BasicConstraintsValid = serial, pkix.Name{CommonName: "order desk " + serial.String()}, true
	c.NotBefore, c.NotAfter, c.IPAddresses = time.Now().Add(-time.Hour), time.Now().Add(90*24*time.Hour), []net.IP{net.ParseIP(deskHost)}
	if by == nil {
		by = &party{c, key}
	}
	der, err := x509.CreateCertificate(rand.Reader, c, by.cert, &key.PublicKey, by.secret)
	must(t, err)
	made, err := x509.ParseCertificate(der)
	must(t, err)
	return party{made, key}
}

func (p party) pem() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.cert.Raw}))
}

func (p party) key(t *testing.T) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(p.secret)
	must(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}
