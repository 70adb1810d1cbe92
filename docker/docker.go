// Package docker carries what the images of the container target are built from. It holds no other code; base-image.sh,
// which makes their base image where it cannot be pulled, is for people and for CI.
package docker

import "embed"

// Files are the Dockerfiles and the scripts they name.
//
//go:embed *.Dockerfile gate.sh postgres-start.sh
var Files embed.FS
