package table

import (
	"encoding/binary"
	"time"

	"github.com/suiro-dev/suiro/internal/store"
)

// TokenLife is how long a ClientRequestToken is remembered (API reference,
// TransactWriteItems: ten minutes).
const TokenLife = 10 * time.Minute

// Remembered tells what Remember stored under a token, nil when nothing or
// when it has been forgotten since.
func (w *Write) Remembered(token string) ([]byte, error) {
	value, err := w.tx.Get(append([]byte{rowToken}, token...))
	if err != nil || tokenExpired(value) {
		return nil, err
	}
	return value[8:], nil
}

// Remember stores what a token stands for, in the commit it belongs to.
func (w *Write) Remember(token string, what []byte) error {
	value := binary.BigEndian.AppendUint64(nil, uint64(time.Now().UnixMilli()))
	return w.tx.Put(append([]byte{rowToken}, token...), append(value, what...))
}

func tokenExpired(value []byte) bool {
	if len(value) < 8 {
		return true
	}
	return time.Since(time.UnixMilli(int64(binary.BigEndian.Uint64(value)))) > TokenLife
}

// expiredTokens lists at most limit rows that sweepTokens may delete.
func expiredTokens(v store.Snapshot, limit int) (rows [][]byte, err error) {
	err = v.Scan(store.Prefix([]byte{rowToken}), store.Ascending, func(key, value []byte) bool {
		if tokenExpired(value) {
			rows = append(rows, append([]byte(nil), key...))
		}
		return len(rows) < limit
	})
	return rows, err
}
