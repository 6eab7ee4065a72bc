package interop

import "testing"

// cookies are cases in which the peer always asks for a cookie, by a setting that it
// starts with.
func cookies(swan *strongswan) []pairing {
	return []pairing{{name: "cookies", only: "initiator",
		ready: func(t *testing.T, s *session) {
			swan.stop(t)
			swan.configure(t, "\tcookie_threshold = 0\n\tcookie_threshold_ip = 0")
			swan.start(t)
			s.reload(t)
		},
		undo: func(t *testing.T, s *session) {
			swan.stop(t)
			swan.configure(t, "")
			swan.start(t)
		}}}
}
