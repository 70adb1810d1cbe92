package region

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"blackstart/cmd/finrag/internal/vector"
)

const (
	seedUsual  = 300
	wideMargin = 0.05 // that the first result is ahead of the second by, so that documents written later do not matter
)

// question is one row of the page's table of known questions.
type question struct{ id, namespace, text, right, older string }

// pageQuestions reads the table of docs/finrag.md: the page is what the world relies on, so the page is tested.
func pageQuestions(t *testing.T) []question {
	t.Helper()
	b, err := os.ReadFile("../../../../docs/finrag.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(b), "| question | namespace |")
	if !found {
		t.Fatal("docs/finrag.md has no table of known questions")
	}
	table, _, _ = strings.Cut(table, "\n\n")
	var list []question
	for _, line := range strings.Split(table, "\n")[2:] {
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		if len(cells) != 5 {
			t.Fatalf("row %q has %d cells, want 5", line, len(cells))
		}
		for i := range cells {
			cells[i] = strings.Trim(cells[i], "` ")
		}
		list = append(list, question{cells[0], cells[1], cells[2], cells[3], cells[4]})
	}
	return list
}

// seeded is an index of everything that seed writes.
func seeded(t *testing.T, rule string) *vector.Index {
	t.Helper()
	x, err := vector.New(rule)
	if err != nil {
		t.Fatal(err)
	}
	put := func(namespace, id, title, body string) {
		if _, err := x.Upsert(t.Context(), vector.Document{Namespace: namespace, ID: id, Title: title, Body: body, UpdatedAt: time.Now()}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range seedUsual {
		d := seedDocument(i)
		put(d[0].(string), d[1].(string), d[2].(string), d[3].(string))
	}
	for _, d := range knownDocuments {
		put(d[0], d[1], d[2], d[3])
	}
	return x
}

func TestKnownQuestionsHaveTheAnswersOfThePage(t *testing.T) {
	questions := pageQuestions(t)
	for _, rule := range []string{"1", "2"} {
		x := seeded(t, rule)
		for _, q := range questions {
			want := q.right
			if rule == "1" {
				want = q.older
			}
			got, err := x.Query(t.Context(), q.namespace, q.text, 5)
			if err != nil || len(got) < 2 || got[0].ID != want {
				t.Errorf("rule %s, %s: %v, %v; want %s first", rule, q.id, got, err, want)
				continue
			}
			if got[0].Score-got[1].Score < wideMargin {
				t.Errorf("rule %s, %s: %s leads with %.3f over %s with %.3f; want %v more", rule, q.id, got[0].ID, got[0].Score, got[1].ID, got[1].Score, wideMargin)
			}
			for _, r := range got {
				if r.Namespace != q.namespace || strings.HasPrefix(r.ID, "known-") && namespaceOf(t, r.ID) != q.namespace {
					t.Errorf("rule %s, %s: %v is of another namespace", rule, q.id, r)
				}
			}
		}
	}
}

func namespaceOf(t *testing.T, id string) string {
	t.Helper()
	i := slices.IndexFunc(knownDocuments, func(d [4]string) bool { return d[1] == id })
	if i < 0 {
		t.Fatalf("document %s is not known", id)
	}
	return knownDocuments[i][0]
}

func TestKnownQuestionsCoverWhatTheyAreFor(t *testing.T) {
	questions := pageQuestions(t)
	differ, agree := map[string]int{}, 0
	ids := map[string]bool{}
	for _, q := range questions {
		if ids[q.id] {
			t.Errorf("question %s is there twice", q.id)
		}
		ids[q.id] = true
		if q.right == q.older {
			agree++
		} else {
			differ[q.namespace]++
		}
	}
	if n := differ["public"] + differ["research"] + differ["restricted"]; n < 4 || len(differ) < 2 || agree == 0 {
		t.Errorf("the rules differ in %v and agree in %d", differ, agree)
	}
	// A question to public that the restricted namespace could answer better is what shows that namespaces are apart.
	x := seeded(t, "2")
	better := slices.ContainsFunc(questions, func(q question) bool {
		mine, err1 := x.Query(t.Context(), "public", q.text, 1)
		theirs, err2 := x.Query(t.Context(), "restricted", q.text, 1)
		return q.namespace == "public" && cmp.Or(err1, err2) == nil && theirs[0].Score > mine[0].Score
	})
	if !better {
		t.Error(fmt.Sprint("no question to public is answered better in restricted: ", questions))
	}
}
