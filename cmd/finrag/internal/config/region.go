package config

import (
	"fmt"
	"time"
)

const maxSeedDocuments = 100_000

// Region is the configuration of `finrag region`.
type Region struct {
	Region   string   `yaml:"region"`
	Listen   string   `yaml:"listen"`
	TLS      TLS      `yaml:"tls"`
	Database Database `yaml:"database"`
	Vector   Vector   `yaml:"vector"`
	Cache    Cache    `yaml:"cache"`
	Limits   Limits   `yaml:"limits"`
	Seed     Seed     `yaml:"seed"`
	Admin    Admin    `yaml:"admin"`
	Releases Releases `yaml:"releases"`
}

// TLS names the PEM files of a server's certificate chain and key.
type TLS struct {
	Certificate string `yaml:"certificate"`
	Key         string `yaml:"key"`
}

// Vector says how often, and how far back, recently modified rows are indexed.
type Vector struct {
	SyncInterval Duration `yaml:"syncInterval"`
	Lookback     Duration `yaml:"lookback"`
}

// Cache is a Redis server, host:port; an empty address means there is none.
type Cache struct {
	Address string `yaml:"address"`
}

// Limits bound one request: its body, and the time it may take.
type Limits struct {
	MaxBody      Size     `yaml:"maxBody"`
	QueryTimeout Duration `yaml:"queryTimeout"`
}

// Seed asks for a number of documents in an empty primary database, and for those of the known questions beside them.
type Seed struct {
	Documents int `yaml:"documents"`
}

// LoadRegion reads and checks the file at path.
func LoadRegion(path string) (Region, error) {
	c := Region{
		Vector: Vector{SyncInterval: Duration(time.Second), Lookback: Duration(10 * time.Minute)},
		Limits: Limits{MaxBody: 1 << 20, QueryTimeout: Duration(2 * time.Second)},
	}
	if err := load(path, &c); err != nil {
		return Region{}, err
	}
	anchor(path, &c.TLS.Certificate, &c.TLS.Key, &c.Database.PasswordFile, &c.Admin.TokenFile, &c.Releases.Dir, &c.Releases.State)
	var p []error
	p = append(p, required("region", c.Region)...)
	p = append(p, hostPort("listen", c.Listen)...)
	p = append(p, required("tls.certificate", c.TLS.Certificate)...)
	p = append(p, required("tls.key", c.TLS.Key)...)
	p = append(p, c.Database.problems("database")...)
	p = append(p, c.Releases.problems()...)
	p = append(p, positive("vector.syncInterval", c.Vector.SyncInterval)...)
	p = append(p, positive("vector.lookback", c.Vector.Lookback)...)
	p = append(p, positive("limits.queryTimeout", c.Limits.QueryTimeout)...)
	if c.Cache.Address != "" {
		p = append(p, hostPort("cache.address", c.Cache.Address)...)
	}
	if c.Seed.Documents < 0 || c.Seed.Documents > maxSeedDocuments {
		p = append(p, fmt.Errorf("seed.documents: want 0 to %d, have %d", maxSeedDocuments, c.Seed.Documents))
	}
	return c, checked(path, p)
}
