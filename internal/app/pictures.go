package app

import (
	"fmt"

	"github.com/gorowatch/gorowatch/internal/config"
	"github.com/gorowatch/gorowatch/internal/pictures"
	"github.com/gorowatch/gorowatch/internal/sidelistener"
)

// maxPictureConnections is how many connections the listener of pictures may have.
const maxPictureConnections = 64

// makePictures makes the handler of pictures, and their listener if it has an address.
func (a *App) makePictures() (err error) {
	a.pictures, err = pictures.New(pictures.Options{
		Logger: a.logger.With("component", "pictures"), Backend: state{a}, History: state{a}, Registerer: a.o.Registry,
	})
	if err != nil || a.o.PictureAddress == "" {
		return err
	}
	a.pictureServer, err = sidelistener.Listen("--web.images-listen-address", a.o.PictureAddress, a.pictures, maxPictureConnections, a.logger)
	if err != nil {
		return err
	}
	a.pictureServer.LimitWriting()
	a.onStop("picture listener", a.pictureServer.Close)
	a.logger.Info("Serving pictures of leaks without a login", "address", a.PictureAddr())
	return nil
}

// PictureAddr returns the address that serves pictures alone; empty if there is none.
func (a *App) PictureAddr() string { return a.pictureServer.Addr() }

// setPictures reads the settings of pictures.
func (g *graph) setPictures(c config.Config, a *App) (err error) {
	images := c.Alerting.Images
	g.alerts.Render.ImageURL = a.pictures.URL
	if !images.Enabled {
		return nil
	}
	g.pictures.Base = a.externalURL
	if u := images.ExternalURL.URL; u != nil {
		g.pictures.Base = a.o.Shard.Address(u)
	} else if a.pictureServer == nil && a.requiresLogin() {
		a.logger.Warn("Pictures need the login of the pages; chat services cannot fetch them without alerting.images.external_url or --web.images-listen-address")
	}
	if images.KeyFile != "" {
		if g.pictures.Signer, err = pictures.ReadKey(images.KeyFile); err != nil {
			return fmt.Errorf("alerting.images.key_file: %w", err)
		}
	}
	return nil
}
