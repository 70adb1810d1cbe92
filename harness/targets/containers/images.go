package containers

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/testcontainers/testcontainers-go"
	tclog "github.com/testcontainers/testcontainers-go/log"

	"blackstart/docker"
	"blackstart/harness/targets/finrag"
)

// The images, by what they are for. Each is built from docker/NAME.Dockerfile unless Options names another.
const (
	imageGate     = "gate"
	imagePostgres = "postgres"
	imageFinrag   = "finrag"
	imageRedis    = "redis"
)

const buildHint = "its base image is debian:bookworm-slim: where it cannot be pulled, make it with `make base-image`"

// An image is one that is on the engine.
type image struct {
	ref    string // name:tag
	digest string // SHA-256 of the image's configuration, hex
}

// findImage returns an image of the user's own by its name, or ours, which it builds when the engine does not have it.
func (e *engine) findImage(ctx context.Context, kind string, o Options, programs []finrag.Program, say func(string)) (image, error) {
	if ref := o.Images[kind]; ref != "" {
		img, err := e.inspectImage(ctx, ref)
		if err != nil {
			return image{}, &Error{Component: kind + " image", Err: err, Hint: "pull or build it first: nothing is pulled behind your back"}
		}
		return img, nil
	}
	files, err := contextOf(kind, programs)
	if err != nil {
		return image{}, &Error{Component: kind + " image", Err: err, Hint: "build finrag with `make build`"}
	}
	repo, tag := "blackstart/"+kind, digestOf(files)[:16]
	img, err := e.inspectImage(ctx, repo+":"+tag)
	if err == nil || !errdefs.IsNotFound(err) {
		return img, err
	}
	say("building the image " + repo + ":" + tag + ", which is kept")
	if err := e.build(ctx, repo, tag, files); err != nil {
		return image{}, &Error{Component: kind + " image", Err: err, Hint: buildHint}
	}
	return e.inspectImage(ctx, repo+":"+tag)
}

// asFound names an image so that a container is made of the one that was found on the engine, and of which the evidence tells: where
// testcontainers is told to put a prefix before images that name no registry, ours would be another's.
func asFound(ref, prefix string) string {
	first, _, several := strings.Cut(ref, "/")
	if prefix == "" || several && (strings.ContainsAny(first, ".:") || first == "localhost") {
		return ref
	}
	return "index.docker.io/" + ref // as the engine reads a name without a registry; testcontainers takes docker.io for none
}

func (e *engine) inspectImage(ctx context.Context, ref string) (image, error) {
	r, err := e.ImageInspect(ctx, ref)
	if err != nil {
		return image{}, fmt.Errorf("find image %s: %w", ref, err)
	}
	return image{ref: ref, digest: strings.TrimPrefix(r.ID, "sha256:")}, nil
}

// contextOf gathers the files an image is built from.
func contextOf(kind string, programs []finrag.Program) (map[string][]byte, error) {
	files := map[string][]byte{}
	add := func(from, to string) error {
		b, err := fs.ReadFile(docker.Files, from)
		files[to] = b
		return err
	}
	err := add(kind+".Dockerfile", "Dockerfile")
	switch kind {
	case imageGate:
		err = errors.Join(err, add("gate.sh", "gate.sh"))
	case imageFinrag:
		if len(programs) == 0 {
			err = errors.Join(err, errors.New("there is no finrag program"))
		}
		for _, p := range programs {
			content, readErr := os.ReadFile(p.Path)
			err = errors.Join(err, readErr, static(content))
			files["releases/"+p.Name+"/finrag"] = content
		}
		files["state/.keep"] = nil
	}
	return files, err
}

// static refuses a program that needs a loader: the image has none.
func static(program []byte) error {
	f, err := elf.NewFile(bytes.NewReader(program))
	if err != nil {
		return fmt.Errorf("read the finrag program: %w", err)
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return errors.New("the finrag program is linked to libraries of this machine; its image has none: build it with CGO_ENABLED=0")
		}
	}
	return nil
}

func digestOf(files map[string][]byte) string {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(h, "%s %d\n", name, len(files[name]))
		h.Write(files[name])
	}
	return hex.EncodeToString(h.Sum(nil))
}

func (e *engine) build(ctx context.Context, repo, tag string, files map[string][]byte) error {
	ctx, cancel := context.WithTimeout(ctx, BuildLimit)
	defer cancel()
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(files[name]))})
		if err == nil {
			_, err = w.Write(files[name])
		}
		if err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	provider, err := testcontainers.NewDockerProvider(testcontainers.WithLogger(tclog.NewNoopLogger()))
	if err != nil {
		return err
	}
	defer provider.Close()
	var log bytes.Buffer
	err = calmly(func() error {
		_, err := provider.BuildImage(ctx, &testcontainers.ContainerRequest{FromDockerfile: testcontainers.FromDockerfile{
			ContextArchive: bytes.NewReader(archive.Bytes()), Repo: repo, Tag: tag, KeepImage: true, BuildLogWriter: &log,
		}})
		return err
	})
	if err != nil {
		return fmt.Errorf("build: %w\n%s", err, tail(log.String()))
	}
	return nil
}

// tail returns the last lines of a text.
func tail(text string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-logLines):], "\n")
}
