package main

import (
	"bufio"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// forgetPages unmaps the pages of the program that have been touched so far.
// The clients of all clouds and of Kubernetes are in it: their packages, as
// they initialise themselves, map tens of megabytes that most runs never look
// at again. What is needed after all is mapped again from the page cache.
//
// It is a kindness, not a duty: where the kernel does not tell, nothing happens.
func forgetPages() {
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		return
	}
	defer f.Close()
	for _, m := range programMaps(f) {
		_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, m.start, m.end-m.start, syscall.MADV_DONTNEED)
	}
}

// mapped is a part of the address space that is as it is in a file.
type mapped struct{ start, end uintptr }

// programMaps lists the mappings of files in smaps, proc(5), that nobody writes
// to. One that has copies of pages, such as for a debugger's break points, is
// not as it is in the file.
func programMaps(smaps io.Reader) (out []mapped) {
	var m mapped
	ours := false
	for s := bufio.NewScanner(smaps); s.Scan(); {
		f := strings.Fields(s.Text())
		if len(f) < 2 {
			continue
		}
		switch from, to, head := strings.Cut(f[0], "-"); {
		case head && len(f) > 4: // address perms offset dev inode path
			start, err := strconv.ParseUint(from, 16, 64)
			end, err2 := strconv.ParseUint(to, 16, 64)
			m = mapped{start: uintptr(start), end: uintptr(end)}
			ours = err == nil && err2 == nil && strings.HasPrefix(f[1], "r-") && strings.HasSuffix(f[1], "p") && f[4] != "0"
		case f[0] == "Anonymous:" && f[1] == "0" && ours:
			out = append(out, m)
		}
	}
	return out
}
