package main

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"net"
	"strconv"
	"strings"
	"time"
)

// caller is one connection; what it notes is read when it has ended.
type caller struct {
	o       *options
	number  int
	sent    int
	random  *rand.Rand
	conn    net.Conn
	reader  *bufio.Reader
	body    bytes.Buffer
	request bytes.Buffer
	padding string

	acked   []string
	times   []time.Duration
	answers map[string]int
	errors  map[string]int
	behind  time.Duration
}

func newCaller(o *options, number int) *caller {
	return &caller{
		o: o, number: number, random: rand.New(rand.NewSource(int64(number))), padding: strings.Repeat("x", o.size),
		answers: map[string]int{}, errors: map[string]int{},
	}
}

func (c *caller) run(begin time.Time) {
	defer c.hangUp()
	measuring := begin.Add(c.o.warmUp)
	end := measuring.Add(c.o.measured)
	time.Sleep(time.Until(begin))
	for {
		due := time.Now()
		if c.o.rate > 0 {
			turn := float64(c.sent*c.o.connections + c.number)
			due = begin.Add(time.Duration(turn / c.o.rate * float64(time.Second)))
			time.Sleep(time.Until(due))
			c.behind = max(c.behind, time.Since(due))
		}
		if due.After(end) {
			return
		}
		c.one(due, due.After(measuring))
	}
}

func (c *caller) one(due time.Time, measured bool) {
	id := c.build()
	status, err := c.exchange()
	if err != nil {
		c.errors[kind(err)]++
		c.hangUp()
		return
	}
	c.answers[strconv.Itoa(status)]++
	if status < 200 || status > 299 {
		return
	}
	c.acked = append(c.acked, id)
	if measured {
		c.times = append(c.times, time.Since(due))
	}
}

// build makes the next request and returns its event's id.
func (c *caller) build() string {
	c.sent++
	id := fmt.Sprintf("%s-%d-%d", c.o.run, c.number, c.sent)
	c.body.Reset()
	fmt.Fprintf(&c.body,
		`{"id":"%s","version":"LivesendUpdatedV1","occurredAt":"%s","tenantId":"00000000-0000-4000-8000-%012d","data":{"number":%d,"text":"`,
		id, time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), c.random.Intn(c.o.tenants), c.sent)
	if room := c.o.size - c.body.Len() - 3; room > 0 {
		c.body.WriteString(c.padding[:room])
	}
	c.body.WriteString(`"}}`)
	mac := hmac.New(sha256.New, []byte(c.o.secret))
	mac.Write(c.body.Bytes())
	c.request.Reset()
	fmt.Fprintf(&c.request,
		"POST %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: loadgen\r\nAccept: */*\r\nContent-Type: application/json\r\nx-seismic-signature: %s\r\nContent-Length: %d\r\n\r\n",
		c.o.target.RequestURI(), c.o.target.Host, hex.EncodeToString(mac.Sum(nil)), c.body.Len())
	c.request.Write(c.body.Bytes())
	return id
}

// exchange sends the request and reads its answer.
func (c *caller) exchange() (int, error) {
	if c.conn == nil {
		conn, err := net.DialTimeout("tcp", c.o.target.Host, c.o.patience)
		if err != nil {
			return 0, err
		}
		c.conn, c.reader = conn, bufio.NewReader(conn)
	}
	if err := c.conn.SetDeadline(time.Now().Add(c.o.patience)); err != nil {
		return 0, err
	}
	if _, err := c.conn.Write(c.request.Bytes()); err != nil {
		return 0, err
	}
	return c.answer()
}

func (c *caller) answer() (int, error) {
	line, err := c.reader.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	if len(line) < 12 {
		return 0, errors.New("no status line")
	}
	status, err := strconv.Atoi(string(line[9:12]))
	if err != nil {
		return 0, err
	}
	length, closing := 0, false
	for {
		line, err = c.reader.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		name, value, more := bytes.Cut(bytes.TrimRight(line, "\r\n"), []byte(":"))
		if !more {
			break
		}
		if bytes.EqualFold(name, []byte("content-length")) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return 0, err
			}
		}
		closing = closing || bytes.EqualFold(name, []byte("connection")) && bytes.EqualFold(bytes.TrimSpace(value), []byte("close"))
	}
	_, err = c.reader.Discard(length)
	if closing {
		c.hangUp()
	}
	return status, err
}

func (c *caller) hangUp() {
	if c.conn != nil {
		c.conn.Close()
		c.conn = nil
	}
}

func kind(err error) string {
	var network net.Error
	switch {
	case errors.As(err, &network) && network.Timeout():
		return "timeout"
	case errors.Is(err, io.EOF):
		return "closed"
	default:
		return err.Error()
	}
}
