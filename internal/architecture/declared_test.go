package architecture

import (
	"fmt"
	"go/ast"
	"go/token"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
)

// declared is one name that a file declares.
type declared struct {
	name string // as it stands
	full string // package.Name or package.Type.Name; of a local, package.Name
	sort string // type, package, value (constants and variables of a package, fields), key (of a file, with a colon), local
	at   string // file:line
}

// declarations lists every name that a file declares, the keys of its struct tags ("place:") among them, and every text that stands
// in it, among which are the kinds that it registers.
func declarations(set *token.FileSet, file *ast.File, dir string) (names []declared, texts []string) {
	pkg := strings.TrimSuffix(file.Name.Name, "_test")
	if pkg == "main" {
		pkg = filepath.Base(dir)
	}
	add := func(id *ast.Ident, owner, sort string) {
		if id == nil || id.Name == "_" {
			return
		}
		names = append(names, declared{id.Name, pkg + "." + owner + id.Name, sort, position(set, id)})
	}
	add(file.Name, "", "package")
	top := map[*ast.Ident]bool{}
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			add(d.Name, receiver(d), "type")
			top[d.Name] = true
		case *ast.GenDecl:
			for _, s := range d.Specs {
				switch s := s.(type) {
				case *ast.TypeSpec:
					add(s.Name, "", "type")
					members(s, func(id *ast.Ident, sort string) { add(id, s.Name.Name+".", sort); top[id] = true })
					top[s.Name] = true
				case *ast.ValueSpec:
					for _, id := range s.Names {
						add(id, "", "value")
						top[id] = true
					}
				}
			}
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BasicLit:
			if text, err := strconv.Unquote(n.Value); n.Kind == token.STRING && err == nil {
				texts = append(texts, text)
			}
		case *ast.Field:
			for _, key := range tagged(n) {
				names = append(names, declared{key, key, "key", position(set, n)})
			}
		}
		for _, id := range locals(n) {
			if !top[id] {
				add(id, "", "local")
			}
		}
		return true
	})
	return names, texts
}

// position is where a node stands: file:line, below the root.
func position(set *token.FileSet, n ast.Node) string {
	at := set.Position(n.Pos())
	return fmt.Sprintf("%s:%d", strings.TrimPrefix(filepath.ToSlash(at.Filename), root+"/"), at.Line)
}

// receiver is the type of a method with its dot, "" of a function.
func receiver(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return ""
	}
	t := d.Recv.List[0].Type
	for {
		switch e := t.(type) {
		case *ast.StarExpr:
			t = e.X
		case *ast.IndexExpr:
			t = e.X
		case *ast.Ident:
			return e.Name + "."
		default:
			return ""
		}
	}
}

// members calls f for the fields and methods of a type.
func members(s *ast.TypeSpec, f func(id *ast.Ident, sort string)) {
	switch t := s.Type.(type) {
	case *ast.StructType:
		for _, field := range t.Fields.List {
			for _, id := range field.Names {
				f(id, "value")
			}
		}
	case *ast.InterfaceType:
		for _, method := range t.Methods.List {
			for _, id := range method.Names {
				f(id, "type")
			}
		}
	}
}

// locals lists the names that a node declares within a function or its signature.
func locals(n ast.Node) (ids []*ast.Ident) {
	take := func(list ...ast.Expr) {
		for _, e := range list {
			if id, ok := e.(*ast.Ident); ok {
				ids = append(ids, id)
			}
		}
	}
	switch n := n.(type) {
	case *ast.AssignStmt:
		if n.Tok == token.DEFINE {
			take(n.Lhs...)
		}
	case *ast.RangeStmt:
		if n.Tok == token.DEFINE {
			take(n.Key, n.Value)
		}
	case *ast.Field:
		ids = n.Names
	case *ast.ValueSpec:
		ids = n.Names
	case *ast.TypeSpec:
		ids = []*ast.Ident{n.Name}
	}
	return ids
}

// tagged lists the keys by which a field is written in files, each with a colon.
func tagged(f *ast.Field) (keys []string) {
	if f.Tag == nil {
		return nil
	}
	text, err := strconv.Unquote(f.Tag.Value)
	if err != nil {
		return nil
	}
	for _, format := range []string{"json", "yaml"} {
		if key, _, _ := strings.Cut(reflect.StructTag(text).Get(format), ","); key != "" && key != "-" {
			keys = append(keys, key+":")
		}
	}
	return keys
}
