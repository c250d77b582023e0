package attribute

// MaxItemSize is the largest item in bytes, by [Size].
const MaxItemSize = 409600

// Size is an item's size in DynamoDB's accounting, which the item limit,
// capacity units and stream records use (Amazon DynamoDB Developer Guide,
// "DynamoDB item sizes and formats").
func Size(it Item) int {
	size := 0
	for i := range it {
		size += len(it[i].Name) + ValueSize(it[i].Value)
	}
	return size
}

// ValueSize is the size of one value without its name.
func ValueSize(v Value) int {
	switch v.kind {
	case S, B:
		return len(v.text)
	case N:
		return Number(v.text).size()
	case BOOL, NULL:
		return 1
	case SS, NS, BS:
		return setSize(v)
	case L:
		size := 3
		for _, e := range v.more.list {
			size += 1 + ValueSize(e)
		}
		return size
	case M:
		return 3 + len(v.more.members) + Size(v.more.members)
	}
	return 0
}

func setSize(v Value) int {
	size := 0
	for _, m := range v.more.set {
		if v.kind == NS {
			size += Number(m).size()
		} else {
			size += len(m)
		}
	}
	return size
}

// PageSize is what an item adds to the 1 MB of a Query or Scan page. It is the
// size of a stored form that differs from [Size]: names cost one byte,
// strings carry a length, and a fixed cost and the sort key come on top once
// for each 3 KB block. The figures were found by measuring real pages.
func PageSize(it Item, sortKey string) int {
	sum, key := 0, 0
	for i := range it {
		if it[i].Name == sortKey && sortKey != "" {
			key = ValueSize(it[i].Value)
			continue
		}
		sum += 1 + storedSize(it[i].Value)
	}
	return 2 + sum + (1+(1+sum)/3072)*(18+key)
}

func storedSize(v Value) int {
	switch v.kind {
	case S:
		switch n := len(v.text); {
		case n < 128:
			return n + 1
		case n < 16384:
			return n + 2
		default:
			return n + 3
		}
	case B, N:
		return ValueSize(v) + 1
	case SS, NS, BS:
		return setSize(v) + len(v.more.set) + 1
	case BOOL:
		return 1
	case L:
		size := 3
		for _, e := range v.more.list {
			size += 1 + storedSize(e)
		}
		return size
	case M:
		size := 3
		for i := range v.more.members {
			size += 2 + storedSize(v.more.members[i].Value)
		}
		return size
	}
	return 0
}
