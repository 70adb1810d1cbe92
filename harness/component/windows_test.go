package component

import "testing"

// A server tells in version() what it was made for.
func TestServersOfWindowsAreKnown(t *testing.T) {
	for version, want := range map[string]bool{
		"PostgreSQL 15.8, compiled by Visual C++ build 1940, 64-bit":                                                       true,
		"PostgreSQL 17.2 on x86_64-windows, compiled by msvc-19.42.34435, 64-bit":                                          true,
		"PostgreSQL 12.1 on x86_64-w64-mingw32, compiled by gcc 8.1.0, 64-bit":                                             true,
		"PostgreSQL 15.18 (Debian 15.18-0+deb12u1) on x86_64-pc-linux-gnu, compiled by gcc (Debian 12.2.0) 12.2.0, 64-bit": false,
		"PostgreSQL 14.5 on aarch64-apple-darwin21.6.0, compiled by Apple clang version 14.0.0, 64-bit":                    false,
	} {
		if got := madeForWindows.MatchString(version); got != want {
			t.Errorf("%s: %t", version, got)
		}
	}
}
