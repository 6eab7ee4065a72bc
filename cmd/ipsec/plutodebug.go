package main

import (
	"reflect"
	"strings"
)

// plutoDebug are the options --debug-WORD, the words of plutodebug=. Those that
// nothing here logs by are read all the same.
type plutoDebug struct {
	DebugNone                     bool `name:"debug-none" hidden:""`
	DebugAll                      bool `name:"debug-all" help:"Log more about everything but private data. Others: --debug-control, --debug-parsing and further words of plutodebug in ipsec.conf(5)."`
	DebugRaw                      bool `name:"debug-raw" hidden:""`
	DebugCrypt                    bool `name:"debug-crypt" hidden:""`
	DebugParsing                  bool `name:"debug-parsing" hidden:""`
	DebugEmitting                 bool `name:"debug-emitting" hidden:""`
	DebugControl                  bool `name:"debug-control" hidden:""`
	DebugLifecycle                bool `name:"debug-lifecycle" hidden:""`
	DebugKlips                    bool `name:"debug-klips" hidden:""`
	DebugDns                      bool `name:"debug-dns" hidden:""`
	DebugOppo                     bool `name:"debug-oppo" hidden:""`
	DebugOppoinfo                 bool `name:"debug-oppoinfo" hidden:""`
	DebugControlmore              bool `name:"debug-controlmore" hidden:""`
	DebugPrivate                  bool `name:"debug-private" hidden:""`
	DebugX509                     bool `name:"debug-x509" hidden:""`
	DebugDpd                      bool `name:"debug-dpd" hidden:""`
	DebugPfkey                    bool `name:"debug-pfkey" hidden:""`
	DebugNatt                     bool `name:"debug-natt" hidden:""`
	DebugBase                     bool `name:"debug-base" hidden:""`
	DebugTmi                      bool `name:"debug-tmi" hidden:""`
	DebugCpuUsage                 bool `name:"debug-cpu-usage" hidden:""`
	DebugRefcnt                   bool `name:"debug-refcnt" hidden:""`
	DebugRoute                    bool `name:"debug-route" hidden:""`
	DebugImpairDelayAdnsKeyAnswer bool `name:"debug-impair-delay-adns-key-answer" hidden:""`
	DebugImpairDelayAdnsTxtAnswer bool `name:"debug-impair-delay-adns-txt-answer" hidden:""`
	DebugImpairBustMi2            bool `name:"debug-impair-bust-mi2" hidden:""`
	DebugImpairBustMr2            bool `name:"debug-impair-bust-mr2" hidden:""`
}

// words returns those that are set, as whack --debug-WORD has them; none is
// none of them.
func (d plutoDebug) words() (list []string) {
	v := reflect.ValueOf(d)
	for i := range v.NumField() {
		word := strings.TrimPrefix(v.Type().Field(i).Tag.Get("name"), "debug-")
		if v.Field(i).Bool() && word != "none" {
			list = append(list, word)
		}
	}
	return list
}
