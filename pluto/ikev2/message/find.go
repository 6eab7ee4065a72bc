package message

// First is the first payload of the type P, or nil.
func First[P Payload](payloads []Payload) P {
	for _, p := range payloads {
		if p, ok := p.(P); ok {
			return p
		}
	}
	var none P
	return none
}

// All are the payloads of the type P, in order.
func All[P Payload](payloads []Payload) []P {
	var all []P
	for _, p := range payloads {
		if p, ok := p.(P); ok {
			all = append(all, p)
		}
	}
	return all
}

// FindNotify is the first Notify of a type, or nil.
func FindNotify(payloads []Payload, t NotifyType) *Notify {
	for _, n := range All[*Notify](payloads) {
		if n.MessageType == t {
			return n
		}
	}
	return nil
}

// FindID is IDi or IDr, or nil.
func FindID(payloads []Payload, initiator bool) *ID {
	for _, id := range All[*ID](payloads) {
		if id.Initiator == initiator {
			return id
		}
	}
	return nil
}

// FindTS is TSi or TSr, or nil.
func FindTS(payloads []Payload, initiator bool) *TS {
	for _, ts := range All[*TS](payloads) {
		if ts.Initiator == initiator {
			return ts
		}
	}
	return nil
}
