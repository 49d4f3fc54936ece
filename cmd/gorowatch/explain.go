package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"github.com/gorowatch/gorowatch/internal/human"
)

// The errors of kingpin about unknown flags and commands.
var (
	unknownFlag = regexp.MustCompile(`^unknown flag '--(no-)?(.*)'$`)
	unknownWord = regexp.MustCompile(`^unexpected (.*)$`)
)

// explain says what is wrong with the command line and what the user most likely meant.
func (c *cli) explain(err error, args []string) string {
	model, says := c.Model(), strings.Replace(err.Error(), "unknown long flag '", "unknown flag '", 1)
	command := commandOf(model, args)
	if m := unknownFlag.FindStringSubmatch(says); m != nil {
		names := flagNames(model.Flags)
		if command == nil {
			names = append(names, flagNames(defaultCommand(model).Flags)...)
		} else {
			names = append(names, flagNames(command.Flags)...)
		}
		if s := human.Closest(m[2], names); s != "" {
			return fmt.Sprintf("%s; did you mean --%s%s?", says, m[1], s)
		}
		var others []string
		for _, other := range model.Commands {
			if !other.Hidden && slices.Contains(flagNames(other.Flags), m[2]) {
				others = append(others, other.Name)
			}
		}
		if len(others) > 0 {
			return fmt.Sprintf("%s; it is a flag of %s", says, strings.Join(others, ", "))
		}
	}
	if m := unknownWord.FindStringSubmatch(says); m != nil && command == nil {
		var names []string
		for _, other := range model.Commands {
			if !other.Hidden {
				names = append(names, other.Name)
			}
		}
		says = "unknown command " + m[1]
		if s := human.Closest(m[1], names); s != "" {
			return fmt.Sprintf("%s; did you mean %s?", says, s)
		}
		return fmt.Sprintf("%s; expected one of %s", says, strings.Join(names, ", "))
	}
	if name, value, ok := c.refused(err, args); ok {
		return fmt.Sprintf("--%s: %s; see --help", name, refusal(value, err))
	}
	return says + "; see --help"
}

// refused finds the flag with the invalid value. The error does not name it.
func (c *cli) refused(err error, args []string) (name, value string, ok bool) {
	parsed, _ := c.ParseContext(args)
	if parsed == nil {
		return "", "", false
	}
	for _, e := range parsed.Elements {
		flag, ok := e.Clause.(*kingpin.FlagClause)
		if !ok || e.Value == nil {
			continue
		}
		if again := flag.Model().Value.Set(*e.Value); again != nil && again.Error() == err.Error() {
			return flag.Model().Name, *e.Value, true
		}
	}
	return "", "", false
}

// refusal says why a value is invalid, without the names of Go functions.
func refusal(value string, err error) string {
	says := err.Error()
	switch {
	case strings.HasPrefix(says, "strconv.ParseBool"):
		return fmt.Sprintf("%q is not a boolean, expected true or false", value)
	case strings.HasPrefix(says, "strconv."):
		return fmt.Sprintf("%q is not a number, expected e.g. 3", value)
	case strings.HasPrefix(says, "time: "):
		return fmt.Sprintf("%q is not a duration, expected e.g. 30s or 5m", value)
	case strings.HasPrefix(says, "error parsing regexp"):
		return fmt.Sprintf("%q is not a regular expression: %s", value, strings.TrimPrefix(says, "error parsing regexp: "))
	}
	return strings.TrimPrefix(says, "enum value ")
}

// commandOf returns the command that the arguments name, or nil.
func commandOf(model *kingpin.ApplicationModel, args []string) *kingpin.CmdModel {
	for _, a := range args {
		if a == "--" {
			break
		}
		if i := slices.IndexFunc(model.Commands, func(c *kingpin.CmdModel) bool { return c.Name == a }); i >= 0 {
			return model.Commands[i]
		}
	}
	return nil
}

func defaultCommand(model *kingpin.ApplicationModel) *kingpin.CmdModel {
	return model.Commands[slices.IndexFunc(model.Commands, func(c *kingpin.CmdModel) bool { return c.Default })]
}

func flagNames(flags []*kingpin.FlagModel) (out []string) {
	for _, f := range flags {
		if !f.Hidden {
			out = append(out, f.Name)
		}
	}
	return out
}
