// Package conf reads and writes ipsec.conf(5) as Openswan 2.4.4 has it, with
// the synonyms that Libreswan's and strongSwan's files use.
//
// A file goes through four steps, each in files of its own:
//
//	scan     bytes become lines: headers, parameters, includes (scan.go, include.go)
//	section  headers and parameters become sections, every keyword looked up
//	         and every value checked against the table (section.go, keywords.go)
//	flatten  also=, alsoflip= and %default are resolved (flatten.go)
//	build    the parameters in force become a Setup and Conns (build.go, check.go)
//
// What is accepted beyond the manual page, because files in use rely on it:
// no version line; blank lines and unindented comments within a section;
// names of conns that begin with a digit; values with blanks and without
// quotes; keywords in any case and with - and _ alike; %default after other
// sections and with also=; line ends CR LF.
//
// Precedence: a section's own parameters come before those of its also= and
// alsoflip=, which come in their order, each with its own; then the
// parameters of %default; then the defaults of the table. An empty value
// stands for the table's default.
//
// Secrets (manual keys) appear in no error, no warning and no Params.
package conf
