package containers

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"path"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"
)

// ReadFile reads a file of a component's container, whether it runs or not.
func (r *rehearsal) ReadFile(ctx context.Context, component, name string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, toolTimeout)
	defer cancel()
	return r.engine.readFile(ctx, r.unit(component), name)
}

func (e *engine) readFile(ctx context.Context, container, name string) ([]byte, error) {
	got, err := e.CopyFromContainer(ctx, container, client.CopyFromContainerOptions{SourcePath: name})
	if err != nil {
		return nil, err
	}
	defer got.Content.Close()
	archive := tar.NewReader(got.Content)
	if _, err := archive.Next(); err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(archive, logLimit))
}

// WriteFile puts a file, which belongs to the account that finrag runs as, into a component's container.
func (r *rehearsal) WriteFile(ctx context.Context, component, name string, content []byte) error {
	ctx, cancel := context.WithTimeout(ctx, toolTimeout)
	defer cancel()
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	err := w.WriteHeader(&tar.Header{Name: path.Base(name), Mode: 0o644, Size: int64(len(content)), Uid: serviceAccount, Gid: serviceAccount})
	if err != nil {
		return err
	}
	if _, err := w.Write(content); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	_, err = r.engine.CopyToContainer(ctx, r.unit(component), client.CopyToContainerOptions{DestinationPath: path.Dir(name), Content: &archive})
	return err
}

// Reload sends SIGHUP to the first process of a component's container.
func (r *rehearsal) Reload(ctx context.Context, component string) error {
	_, err := r.engine.ContainerKill(ctx, r.unit(component), client.ContainerKillOptions{Signal: "SIGHUP"})
	if errdefs.IsConflict(err) {
		return nil // it does not run
	}
	if err != nil {
		return fmt.Errorf("send SIGHUP: %w", err)
	}
	return nil
}
