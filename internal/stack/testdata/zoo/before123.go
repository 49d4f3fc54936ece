//go:build !go1.23

package main

func since123(chan int) {}
