package diag

import "testing"

func TestDidYouMean(t *testing.T) {
	known := []string{"ChatTable", "ChatApi", "Stage", "AWS::Region"}
	for _, c := range []struct{ wrong, want string }{
		{"ChatTabel", "did you mean ChatTable?"},
		{"chatapi", "did you mean ChatApi?"},
		{"ChatTables", "did you mean ChatTable?"},
		{"Stag", "did you mean Stage?"},
		{"AWS::Regoin", "did you mean AWS::Region?"},
		{"Users", ""},
		{"", ""},
	} {
		if got := DidYouMean(c.wrong, known); got != c.want {
			t.Errorf("%q: got %q, want %q", c.wrong, got, c.want)
		}
	}
}
