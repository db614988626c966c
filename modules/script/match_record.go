package script

import (
	"context"

	"kumi/match"
	"kumi/store/fault"
	"kumi/vm"
)

var _ match.Recordable = (*scriptMatch)(nil)

var errNoImages = fault.New(fault.Unimplemented, "this engine cannot write down values")

// AppendState implements match.Recordable with the image of the state.
func (g *scriptMatch) AppendState(_ context.Context, dst []byte) (state []byte, whole bool, err error) {
	im, ok := g.inst.(vm.Imager)
	if !ok {
		return dst, false, errNoImages
	}
	state, lost, err := im.Image(g.state, true, dst)
	return state, len(lost) == 0, err
}

// SetState implements match.Recordable.
func (g *scriptMatch) SetState(_ context.Context, state []byte) error {
	im, ok := g.inst.(vm.Imager)
	if !ok {
		return errNoImages
	}
	v, err := im.FromImage(state)
	if err != nil {
		return err
	}
	g.state, g.nulls = v, nil
	return nil
}
