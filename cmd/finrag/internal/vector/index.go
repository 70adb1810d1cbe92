// Package vector is a region's own vector index: documents by namespace, found by the nearness of a feature hash.
//
// The index lives in memory and is filled from the region's database. A namespace is a boundary of privilege: a query sees
// one namespace and no other. The package never reads or writes the database.
package vector

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/philippgille/chromem-go"
)

const titleKey = "title"

// Document is one row as the index needs it. UpdatedAt decides which of two versions is the newer.
type Document struct {
	Namespace, ID, Title, Body string
	UpdatedAt                  time.Time
}

// Result is one document found. Score is the cosine similarity, −1 to 1.
type Result struct {
	ID        string  `json:"id"`
	Namespace string  `json:"namespace"`
	Title     string  `json:"title"`
	Score     float32 `json:"score"`
}

type documentKey struct{ namespace, id string }

// Index is safe for concurrent use.
type Index struct {
	db     *chromem.DB
	weight float32 // of a word of a title

	mu       sync.RWMutex // guards all below
	spaces   map[string]*chromem.Collection
	versions map[documentKey]time.Time
}

// New returns an empty index that ranks by the rule: Rule, or another one in a test.
func New(rule string) (*Index, error) {
	weight, err := titleWeight(rule)
	if err != nil {
		return nil, err
	}
	return &Index{db: chromem.NewDB(), weight: weight, spaces: map[string]*chromem.Collection{}, versions: map[documentKey]time.Time{}}, nil
}

// Upsert puts doc into the index unless that version or a newer one is there. It reports whether it changed anything.
func (x *Index) Upsert(ctx context.Context, doc Document) (bool, error) {
	if !x.older(doc) {
		return false, nil
	}
	embedding := embedDocument(doc.Title, doc.Body, x.weight)
	x.mu.Lock()
	defer x.mu.Unlock()
	key := documentKey{doc.Namespace, doc.ID}
	if at, ok := x.versions[key]; ok && !at.Before(doc.UpdatedAt) {
		return false, nil
	}
	space, err := x.space(doc.Namespace)
	if err != nil {
		return false, err
	}
	err = space.AddDocument(ctx, chromem.Document{ID: doc.ID, Metadata: map[string]string{titleKey: doc.Title}, Embedding: embedding})
	if err != nil {
		return false, fmt.Errorf("index document %s/%s: %w", doc.Namespace, doc.ID, err)
	}
	x.versions[key] = doc.UpdatedAt
	return true, nil
}

// older reports whether the index lacks doc's version.
func (x *Index) older(doc Document) bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	at, ok := x.versions[documentKey{doc.Namespace, doc.ID}]
	return !ok || at.Before(doc.UpdatedAt)
}

// space returns the collection of a namespace; the caller holds mu.
func (x *Index) space(namespace string) (*chromem.Collection, error) {
	if s, ok := x.spaces[namespace]; ok {
		return s, nil
	}
	embed := func(_ context.Context, text string) ([]float32, error) { return Embed(text), nil }
	s, err := x.db.CreateCollection(namespace, nil, embed)
	if err != nil {
		return nil, fmt.Errorf("make namespace %s: %w", namespace, err)
	}
	x.spaces[namespace] = s
	return s, nil
}

// Query returns the k documents of namespace that are nearest to text, best first. An unknown namespace has none.
func (x *Index) Query(ctx context.Context, namespace, text string, k int) ([]Result, error) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	space, ok := x.spaces[namespace]
	if !ok || k < 1 {
		return []Result{}, nil
	}
	found, err := space.QueryEmbedding(ctx, Embed(text), min(k, space.Count()), nil, nil)
	if err != nil {
		return nil, fmt.Errorf("search namespace %s: %w", namespace, err)
	}
	results := make([]Result, len(found))
	for i, f := range found {
		results[i] = Result{ID: f.ID, Namespace: namespace, Title: f.Metadata[titleKey], Score: f.Similarity}
	}
	slices.SortFunc(results, func(a, b Result) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.ID, b.ID))
	})
	return results, nil
}

// Count returns the number of documents in all namespaces.
func (x *Index) Count() int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return len(x.versions)
}

// Namespaces returns the number of documents in each namespace.
func (x *Index) Namespaces() map[string]int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	n := make(map[string]int, len(x.spaces))
	for name, s := range x.spaces {
		n[name] = s.Count()
	}
	return n
}
