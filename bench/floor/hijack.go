package floor

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // RFC 6455 asks for it
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// hub is a WebSocket server on net/http's Hijack: a goroutine and 128 bytes
// for each connection. It echoes messages, or hands them to functions.
//
//	POST /dev/@connections/{id}     one frame to one connection
type hub struct {
	functions *functions

	mu    sync.Mutex
	conns map[string]*conn
}

func newHub(f *functions) *hub { return &hub{functions: f, conns: make(map[string]*conn)} }

// conn is one connection.
type conn struct {
	net.Conn
	hub *hub
	id  string
	mu  sync.Mutex
}

func (c *conn) send(frame []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err := c.Write(frame)
	return err
}

func (h *hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if id, post := strings.CutPrefix(r.URL.Path, "/dev/@connections/"); post {
		h.post(w, r, id)
	} else {
		h.upgrade(w, r)
	}
}

func (h *hub) upgrade(w http.ResponseWriter, r *http.Request) {
	raw, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	var random [11]byte
	_, _ = rand.Read(random[:])
	c := &conn{Conn: raw, hub: h, id: base64.URLEncoding.EncodeToString(random[:])}
	h.mu.Lock()
	h.conns[c.id] = c
	h.mu.Unlock()
	if err := c.send(switching(r, "X-Connection-Id: "+c.id+"\r\n")); err != nil {
		_ = raw.Close()
		return
	}
	go h.read(c) // a new goroutine has a small stack; net/http's has grown
}

// switching answers a handshake.
func switching(r *http.Request, more string) []byte {
	hash := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) //nolint:gosec // as above
	return []byte("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
		base64.StdEncoding.EncodeToString(hash[:]) + "\r\n" + more + "\r\n")
}

func (h *hub) post(w http.ResponseWriter, r *http.Request, id string) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	h.mu.Lock()
	c := h.conns[id]
	h.mu.Unlock()
	if c == nil || c.send(frame(body)) != nil {
		w.WriteHeader(http.StatusGone)
	}
}

func frame(message []byte) []byte {
	b := []byte{0x81, byte(len(message))}
	if len(message) > 125 {
		b[1] = 126
		b = binary.BigEndian.AppendUint16(b, uint16(len(message)))
	}
	return append(b, message...)
}

// large is for messages of more than 128 bytes.
var large = sync.Pool{New: func() any { b := make([]byte, 16<<10); return &b }}

func (h *hub) read(c *conn) {
	defer func() {
		_ = c.Close()
		h.mu.Lock()
		delete(h.conns, c.id)
		h.mu.Unlock()
	}()
	var small [128]byte // waits here
	have := 0
	for {
		n, err := c.Read(small[have:])
		if err != nil {
			return
		}
		have += n
		used, need, err := consume(c, small[:have])
		if err != nil {
			return
		}
		have = copy(small[:], small[used:have])
		if need <= len(small) && have < len(small) {
			continue
		}
		if err := c.readLarge(small[:have], need); err != nil {
			return
		}
		have = 0
	}
}

func (c *conn) readLarge(start []byte, need int) error {
	pooled := large.Get().(*[]byte)
	defer large.Put(pooled)
	b := *pooled
	if need > len(b) {
		return fmt.Errorf("a message of %d bytes", need)
	}
	have := copy(b, start)
	if _, err := io.ReadFull(c, b[have:need]); err != nil {
		return err
	}
	_, _, err := consume(c, b[:need])
	return err
}

// receiver takes frames as they come, with their header, unmasked.
type receiver interface {
	received(f []byte, header, length int) error
}

func (c *conn) received(f []byte, header, length int) error {
	if c.hub.functions != nil {
		c.hub.functions.message(c, f[header:header+length])
		return nil
	}
	return c.send(echo(f, header, length))
}

// consume hands on every whole frame in b, and tells how much that was and how
// long the frame is that has only begun.
func consume(to receiver, b []byte) (used, need int, err error) {
	for len(b)-used >= 8 {
		f := b[used:]
		length, header := int(f[1]&127), 6
		if length == 126 {
			length, header = int(binary.BigEndian.Uint16(f[2:])), 8
		}
		if length == 127 || f[0]&15 == 8 {
			return used, 0, io.EOF
		}
		if len(f) < header+length {
			return used, header + length, nil
		}
		unmask(f[header:header+length], [4]byte(f[header-4:header]))
		if err := to.received(f, header, length); err != nil {
			return used, 0, err
		}
		used += header + length
	}
	return used, 0, nil
}

// echo makes a server's frame of a client's in place: its header is four
// bytes shorter, without a key.
func echo(f []byte, header, length int) []byte {
	out := f[4 : header+length]
	out[0] = f[0]
	copy(out[1:], frameLength(length))
	return out
}

func frameLength(n int) []byte {
	if n < 126 {
		return []byte{byte(n)}
	}
	return []byte{126, byte(n >> 8), byte(n)}
}

func unmask(b []byte, key [4]byte) {
	once := uint64(binary.LittleEndian.Uint32(key[:]))
	for len(b) >= 8 {
		binary.LittleEndian.PutUint64(b, binary.LittleEndian.Uint64(b)^(once<<32|once))
		b = b[8:]
	}
	for i := range b {
		b[i] ^= key[i&3]
	}
}

// secure makes a TLS listener with a certificate of its own.
func secure(l net.Listener) (net.Listener, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	t := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(24 * time.Hour), DNSNames: []string{"localhost"}}
	der, err := x509.CreateCertificate(rand.Reader, t, t, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	return tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}), nil
}
