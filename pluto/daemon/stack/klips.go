package stack

import (
	"context"
	"sync"
	"time"

	"ipsec/klips"
	"ipsec/klips/client"
	"ipsec/klips/route/rtnetlink"
	"ipsec/klips/wire/ike"
	"ipsec/pluto"
	"ipsec/pluto/updown"
)

// KLIPS opens the stack that is the process "ipsec klips".
func KLIPS(s Surroundings) (*Stack, error) {
	kernel, err := client.Dial(s.Paths.KlipsCtl())
	if err != nil {
		return nil, err
	}
	nat := newNATSocket()
	return &Stack{
		Kernel: kernel,
		Updown: updown.New(updown.Config{Host: &rtnetlink.Host{}, Clock: s.Clock, Info: s.Paths.Info(), Run: s.Run, Log: s.Log}),
		Send:   nat.send,
		Down:   client.ErrDown,
		Follow: func(ctx context.Context, e Events) {
			var parts sync.WaitGroup
			parts.Go(func() { nat.run(ctx, s.Paths.KlipsIKE(), e.Deliver) })
			parts.Go(func() { listenEvents(ctx, kernel, e.Event, e.Lost) })
			parts.Wait()
		},
	}, nil
}

// retry is how long a lost connection to KLIPS is left alone before another is tried.
const retry = time.Second

// pause waits a moment, or until the context ends.
func pause(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(retry):
	}
}

// listenEvents hands the events of KLIPS to event until the context ends. KLIPS
// cuts off who reads too slowly: lost is called whenever events may be missing,
// which is also so at the beginning.
func listenEvents(ctx context.Context, kernel *client.Client, event func(klips.Event), lost func()) {
	for ctx.Err() == nil {
		registration, err := kernel.Register(ctx)
		if err == nil {
			lost()
			for err == nil {
				var e klips.Event
				if e, err = registration.Next(); err == nil {
					event(e)
				}
			}
			registration.Close()
		}
		pause(ctx)
	}
}

// A natSocket is our end of KLIPS's socket for IKE on port 4500.
type natSocket struct {
	conn chan *ike.Conn // holds the connection while there is one
}

func newNATSocket() *natSocket { return &natSocket{make(chan *ike.Conn, 1)} }

// run connects to KLIPS, again whenever the connection is lost, and hands what
// comes to deliver, until the context ends.
func (n *natSocket) run(ctx context.Context, path string, deliver Deliver) {
	for ctx.Err() == nil {
		if conn, err := ike.Dial(ctx, path); err == nil {
			stop := context.AfterFunc(ctx, func() { conn.Close() })
			n.conn <- conn
			receive(conn, func(d pluto.Datagram) { deliver(d, ctx.Done()) })
			<-n.conn
			stop()
			conn.Close()
		}
		pause(ctx)
	}
}

func receive(conn *ike.Conn, deliver func(pluto.Datagram)) {
	for {
		m, err := conn.Receive()
		if err != nil {
			return
		}
		deliver(pluto.Datagram{Local: m.Local, Remote: m.Remote, Payload: append([]byte(nil), m.Payload...)})
	}
}

// send has KLIPS send a message. It is lost while there is no connection.
func (n *natSocket) send(d pluto.Datagram) error {
	select {
	case conn := <-n.conn:
		defer func() { n.conn <- conn }()
		return conn.Send(ike.Message{Local: d.Local, Remote: d.Remote, Payload: d.Payload})
	default:
		return client.ErrDown
	}
}
