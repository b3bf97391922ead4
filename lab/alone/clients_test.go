package alone

import (
	"reflect"
	"syscall"
	"testing"
)

func TestClientsRouteIsOneThatTheKernelReads(t *testing.T) {
	messages, err := syscall.ParseNetlinkMessage(clientsRoute(7))
	if err != nil || len(messages) != 1 || messages[0].Header.Type != syscall.RTM_NEWROUTE {
		t.Fatalf("%+v, %v; want one new route", messages, err)
	}
	attributes, err := syscall.ParseNetlinkRouteAttr(&messages[0])
	if err != nil {
		t.Fatal(err)
	}
	got := map[uint16][]byte{}
	for _, a := range attributes {
		got[a.Attr.Type] = a.Value
	}
	want := map[uint16][]byte{syscall.RTA_DST: {198, 18, 0, 0}, syscall.RTA_OIF: {7, 0, 0, 0}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("attributes %v, want %v", got, want)
	}
}
