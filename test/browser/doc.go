// Package browser tests the pages in a real headless Chromium, and most of it in Firefox: that
// they draw, link to each other, work with the keyboard, are accessible and fit a phone, load
// nothing from elsewhere, and leave the console empty. Screenshots of every page go to the
// folder $GOROWATCH_SCREENSHOTS, for people to look at.
package browser
