package paste

// timeLength returns the length of the time at the start of a text, 0 if there is none:
// "2026-05-01T10:22:33.123Z", "2026/05/01 10:22:33", "May 1 10:22:33", "10:22:33.123" and
// "1714558953.123".
func timeLength(b []byte) int {
	n := dateLength(b)
	if n > 0 {
		if n < len(b) && (b[n] == 'T' || b[n] == ' ') {
			if t := clockLength(b[n+1:]); t > 0 {
				return n + 1 + t
			}
		}
		return n
	}
	if t := clockLength(b); t > 0 {
		return t
	}
	if d := digits(b); d >= 10 && d <= 19 { // since 1970
		if d < len(b) && b[d] == '.' {
			return d + 1 + digits(b[d+1:])
		}
		return d
	}
	return 0
}

// dateLength returns the length of "2026-05-01", "2026/05/01" or "May 1".
func dateLength(b []byte) int {
	if len(b) >= 10 && digits(b) == 4 && (b[4] == '-' || b[4] == '/') && digits(b[5:7]) == 2 && b[7] == b[4] && digits(b[8:10]) == 2 {
		return 10
	}
	if len(b) >= 6 && isMonth(b[:3]) && b[3] == ' ' && (b[4] == ' ' || b[4] >= '0' && b[4] <= '9') && b[5] >= '0' && b[5] <= '9' {
		return 6
	}
	return 0
}

// clockLength returns the length of "10:22:33", with a fraction and a zone if it has them.
func clockLength(b []byte) int {
	if len(b) < 8 || digits(b[:2]) != 2 || b[2] != ':' || digits(b[3:5]) != 2 || b[5] != ':' || digits(b[6:8]) != 2 {
		return 0
	}
	n := 8
	if n < len(b) && (b[n] == '.' || b[n] == ',') {
		if d := digits(b[n+1:]); d > 0 {
			n += 1 + d
		}
	}
	if n < len(b) && b[n] == 'Z' {
		return n + 1
	}
	if n < len(b) && (b[n] == '+' || b[n] == '-') {
		zone := b[n+1:]
		switch {
		case digits(zone) == 4:
			return n + 5
		case len(zone) >= 5 && digits(zone[:2]) == 2 && zone[2] == ':' && digits(zone[3:5]) == 2:
			return n + 6
		}
	}
	return n
}

func isMonth(b []byte) bool {
	switch string(b) {
	case "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec":
		return true
	}
	return false
}

// digits counts the digits at the start of a text.
func digits(b []byte) (n int) {
	for n < len(b) && b[n] >= '0' && b[n] <= '9' {
		n++
	}
	return n
}

func isWord(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
