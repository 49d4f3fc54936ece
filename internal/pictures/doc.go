// Package pictures draws a leak for chat: the goroutine counts of the instances that leak,
// the onset, and the top of the stack difference.
//
// Chat services fetch a picture without a login, so its address is signed: it names one
// leak, and it is valid for 30 days. The texts of a picture are those of the leak's alert,
// and it draws no instance that the alert does not count. The package owns signatures, their
// key, drawing, and the limits of the handler. Leaks come from the running gorowatch, and
// series from where the pages read them.
package pictures
