// Package browser tests the pages in a real headless Chromium, and the most of it in
// Firefox: that they draw,
// lead on, work with the keyboard, are accessible and fit a telephone, ask for
// nothing elsewhere, and leave the console empty. Screenshots of every page are
// written for people to look at, into the folder $GOROWATCH_SCREENSHOTS.
package browser
