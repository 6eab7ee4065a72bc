package conf

import "ipsec/conf/secret"

// Keys returns the keys of the SA that is sent towards a side: of ESP's
// cipher, of ESP's authentication, and of AH. A key of that side comes before
// one of the connection; one that there is not, is not set.
func (c *Conn) Keys(towards Side) (enc, auth, ah secret.Text) {
	end := c.End(towards)
	return either(end.ESPEncKey, c.ESPEncKey), either(end.ESPAuthKey, c.ESPAuthKey), either(end.AHKey, c.AHKey)
}

func either(a, b secret.Text) secret.Text {
	if a.IsSet() {
		return a
	}
	return b
}
