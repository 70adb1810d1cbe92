package finrag

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"blackstart/harness"
)

// buildOf finds a build by its name.
func (s *Site) buildOf(name string) (harness.Build, bool) {
	for _, b := range s.Described.Builds {
		if b.Name == name {
			return b, true
		}
	}
	return harness.Build{}, false
}

func (s *Site) checkBuild(name string) error {
	if len(s.Described.Builds) < 2 {
		return errors.New("this target has no second build")
	}
	if _, ok := s.buildOf(name); !ok {
		return fmt.Errorf("there is no build %q", name)
	}
	return nil
}

// deploy makes a region run a build, as its operator would: by its admin endpoint, by the private path. It returns when the
// region tells that build's version. A region that does not run is told what to start as.
func (s *Site) deploy(ctx context.Context, w Ground, component, name string) error {
	build, _ := s.buildOf(name)
	c, _ := s.Described.ComponentByName(component)
	runs, err := w.Runs(ctx, component)
	if err != nil {
		return err
	}
	if !runs {
		return w.WriteFile(ctx, component, s.Layout.Release(c.Region), []byte(name+"\n"))
	}
	ctx, cancel := context.WithTimeout(ctx, deployLimit)
	defer cancel()
	taken := false
	for {
		err := s.deployOnce(ctx, c, build, &taken)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("deploy %s on %s: not within %v: %w", name, component, deployLimit, err)
		case <-time.After(pollEvery):
		}
	}
}

// deployOnce tells the region which build to run until it has taken it, then asks which one runs.
func (s *Site) deployOnce(ctx context.Context, c harness.Component, build harness.Build, taken *bool) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if !*taken {
		if err := s.postDeploy(ctx, c, build.Name); err != nil {
			return err
		}
		*taken = true
	}
	var version string
	if err := s.askVersion(ctx, c, &version); err != nil {
		return err
	}
	if version != build.Version {
		return fmt.Errorf("it runs %s, not %s", version, build.Version)
	}
	return nil
}

// askVersion asks a region's API which build it is.
func (s *Site) askVersion(ctx context.Context, c harness.Component, version *string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+ServerName+"/version", nil)
	if err != nil {
		return err
	}
	var answer struct{ Build string }
	err = s.ask(c, req, http.StatusOK, &answer)
	*version = answer.Build
	return err
}

func (s *Site) postDeploy(ctx context.Context, c harness.Component, name string) error {
	body, err := json.Marshal(map[string]string{"build": name})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+ServerName+"/deploy", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+s.Secrets[AdminToken(c.Region)])
	return s.ask(c, req, http.StatusAccepted, nil)
}

// ask asks a region's API by the private path. Its key is what it is known by: its certificate may be the one that a fault
// has spoilt.
func (s *Site) ask(c harness.Component, req *http.Request, want int, into any) error {
	known := &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12, VerifyPeerCertificate: func(raw [][]byte, _ [][]*x509.Certificate) error {
		cert, err := x509.ParseCertificate(raw[0])
		if err != nil {
			return err
		}
		if got := keyIdentity(cert); got != c.Identity {
			return fmt.Errorf("its identity is %s, the description says %s", got, c.Identity)
		}
		return nil
	}}
	res, err := client(s.Layout.Inside[c.Name], known).Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, answerLimit))
	if err != nil {
		return err
	}
	if res.StatusCode != want && res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s answered %s: %s", req.Method, req.URL.Path, res.Status, bytes.TrimSpace(b))
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(b, into)
}
