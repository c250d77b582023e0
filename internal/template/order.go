package template

import (
	"strings"

	"github.com/suiro-dev/suiro/internal/diag"
)

// Order lists the resources so that each comes after those it needs, in
// template order among equals. A circle is an error that names all its
// members; resources in or behind it are left out.
func (b *Bound) Order() ([]*Resource, diag.List) {
	waiting := make([]int, len(b.resources))  // how many needs are not placed yet
	users := make([][]int, len(b.resources))  // who needs it
	ready := make([]bool, len(b.resources)+1) // may be placed now
	for i, r := range b.resources {
		needs := b.needs[r.LogicalID]
		waiting[i] = len(needs)
		ready[i] = len(needs) == 0
		for _, id := range needs {
			j := b.position[id]
			users[j] = append(users[j], i)
		}
	}
	var order []*Resource
	for i := 0; i < len(b.resources); {
		if !ready[i] {
			i++
			continue
		}
		ready[i] = false
		order = append(order, b.resources[i])
		next := i + 1
		for _, u := range users[i] {
			if waiting[u]--; waiting[u] == 0 {
				ready[u] = true
				next = min(next, u)
			}
		}
		i = next
	}
	var msgs diag.List
	if len(order) < len(b.resources) {
		b.circles(waiting, &msgs)
	}
	return order, msgs
}

// circles reports one message for each separate circle among the resources
// that still wait. Whoever still waits needs someone who still waits, so that
// following those leads into a circle.
func (b *Bound) circles(waiting []int, msgs *diag.List) {
	done := make([]bool, len(b.resources))
	for start := range b.resources {
		if waiting[start] <= 0 || done[start] {
			continue
		}
		seenAt := map[int]int{}
		var path []int
		for at := start; at >= 0 && !done[at]; at = b.waitingNeed(at, waiting) {
			if from, again := seenAt[at]; again {
				msgs.Add(b.circle(path[from:]))
				break
			}
			seenAt[at] = len(path)
			path = append(path, at)
		}
		for _, i := range path {
			done[i] = true
		}
	}
}

// waitingNeed is the first resource that i waits for, -1 when there is none.
func (b *Bound) waitingNeed(i int, waiting []int) int {
	for _, id := range b.needs[b.resources[i].LogicalID] {
		if j := b.position[id]; waiting[j] > 0 {
			return j
		}
	}
	return -1
}

// circle says one circle in the direction of need.
func (b *Bound) circle(members []int) *diag.Message {
	// Told from the member written first, wherever the search came upon it.
	first := 0
	for i, m := range members {
		if m < members[first] {
			first = i
		}
	}
	names := make([]string, 0, len(members)+1)
	for i := range members {
		names = append(names, b.resources[members[(first+i)%len(members)]].LogicalID)
	}
	r := b.resources[members[first]]
	if len(members) == 1 {
		return diag.Errorf(r.Pos, r.LogicalID, "the resource needs itself to exist first")
	}
	return diag.Errorf(r.Pos, r.LogicalID, "circular dependency: %s", strings.Join(append(names, names[0]), " needs ")).
		WithHint("break the circle, for example by building a name or an ARN from parameters instead of Ref or Fn::GetAtt")
}
