//go:build !race

package functionurl

import "testing"

// What a request may allocate on its way through a function URL, without
// net/http and the function: raise a number only with a reason.
func TestAllocationBudget(t *testing.T) {
	for name, most := range map[string]float64{"value": 34, "response": 66} {
		one := request(t, kinds[name])
		if n := testing.AllocsPerRun(200, one); n > most {
			t.Errorf("%s: %v allocations, %v are allowed", name, n, most)
		}
	}
}
