package vtl

import (
	"errors"
	"math/big"
	"strings"
	"testing"
)

// host is an object like $input.
type host struct{}

func (host) Property(name string) Value {
	if name == "body" {
		return "text"
	}
	return nil
}

func (host) Call(name string, args []Value) (Value, bool, error) {
	switch {
	case name == "twice" && len(args) == 1:
		s, _ := args[0].(string)
		return s + s, true, nil
	case name == "fail":
		return nil, true, errors.New("no luck")
	}
	return nil, false, nil
}

func (host) Text() string { return "host" }

func variables() map[string]Value {
	user := NewMap().Put("name", "Ann").Put("tags", &List{Items: []Value{"a", "b"}}).Put("age", int64(41))
	return map[string]Value{
		"user": user, "list": &List{Items: []Value{"x", "y", "z"}}, "n": int64(7), "s": "Hello",
		"f": 1.5, "yes": true, "no": false, "empty": "", "host": host{},
	}
}

func render(t *testing.T, source string) (string, error) {
	t.Helper()
	parsed, err := Parse(source)
	if err != nil {
		return "", err
	}
	out, err := parsed.Render(variables(), Limits{})
	if err != nil {
		return "", err
	}
	return out.Text, nil
}

type row struct{ source, want string }

func check(t *testing.T, rows []row) {
	t.Helper()
	for _, r := range rows {
		got, err := render(t, r.source)
		if err != nil {
			t.Errorf("%s: %v", r.source, err)
		} else if got != r.want {
			t.Errorf("%s\ngot  %q\nwant %q", r.source, got, r.want)
		}
	}
}

func TestReferences(t *testing.T) {
	check(t, []row{
		{`$s`, "Hello"},
		{`${s}World`, "HelloWorld"},
		{`$s.`, "Hello."},
		{`$s, and`, "Hello, and"},
		{`$user.name`, "Ann"},
		{`${user.name}s`, "Anns"},
		{`${user}.name`, "{name=Ann, tags=[a, b], age=41}.name"},
		{`$user.tags[1]`, "b"},
		{`$user["name"] $user['age']`, "Ann 41"},
		{`$list[0]$list[-1]`, "xz"},
		{`$user.get("name").length()`, "3"},
		{`$host.body $host $host.twice("ab")`, "text host abab"},
		{`$s[a]`, "Hello[a]"},
		{`$s [0]`, "Hello [0]"},
		{`$`, "$"},
		{`$5 $$s $! ${ ${s $!{s`, "$5 $Hello $! ${ ${s $!{s"},
		{`${AWS::Region}`, "${AWS::Region}"},
		{`$yes$n$f`, "true71.5"},
	})
}

func TestUndefinedReferencesPrintThemselves(t *testing.T) {
	check(t, []row{
		{`$nope`, "$nope"},
		{`${nope}`, "${nope}"},
		{`$!nope|$!{nope}|$!nope.a.b()|`, "|||"},
		{`$user.nope.deeper`, "$user.nope.deeper"},
		{`$user.nope("a", 1)`, `$user.nope("a", 1)`},
		{`$s.nope`, "$s.nope"},
		{`$host.other()`, "$host.other()"},
		{`a@b.c costs $10`, "a@b.c costs $10"},
	})
}

func TestEscapes(t *testing.T) {
	check(t, []row{
		{`\$s`, "$s"},
		{`\\$s`, `\Hello`},
		{`\\\$s`, `\$s`},
		{`\$nope`, `\$nope`},
		{`\#if(true)`, "#if(true)"},
		{`\\#if(true)x#end`, `\x`},
		{`\n \" \`, `\n \" \`},
		{`\#nothing`, `\#nothing`},
		{`#[[$s #if ## ]]#!`, "$s #if ## !"},
	})
}

func TestComments(t *testing.T) {
	check(t, []row{
		{"a ## b\nc", "a c"},
		{"a #* b\n c *#d", "a d"},
		{"## all", ""},
		{"# s #1 #fff", "# s #1 #fff"},
	})
}

// Velocity 1.7: a directive takes the blank rest of its line, #set also the
// blanks before it.
func TestDirectivesTakeTheirLineEnd(t *testing.T) {
	check(t, []row{
		{"{\n  #set($a = 1)\n  \"a\": $a\n}", "{\n  \"a\": 1\n}"},
		{"#if($yes)\nx\n#end\ny", "x\ny"},
		{"  #if($yes)  \r\nx\n  #end\ny", "  x\n  y"},
		{"#if($no)\nx\n#else\nz\n#end", "z\n"},
		{"#foreach($i in [1..3])\n$i\n#end", "1\n2\n3\n"},
		{"#if($yes) x #end y", " x  y"},
		{"a #set($b=2)b", "ab"},
	})
}

func TestSet(t *testing.T) {
	check(t, []row{
		{`#set($a = "x")$a`, "x"},
		{`#set( $a = [1, 'b', $s] )$a`, "[1, b, Hello]"},
		{`#set($a = {"k": 1, "m": {"n": [true]}})$a.m.n[0]$a`, "true{k=1, m={n=[true]}}"},
		{`#set($a = {})#set($a.b = 1)#set($a["c"] = 2)$a`, "{b=1, c=2}"},
		{`#set($list[0] = "w")$list`, "[w, y, z]"},
		{`#set($a = $nope)$a`, "$a"},
		{`#set($s = $nope)$s`, "$s"},
		{`#set(${a} = 1)$a`, "1"},
		{`#{set}($a = 1)$a`, "1"},
	})
}

func TestConditions(t *testing.T) {
	check(t, []row{
		{`#if($yes)a#elseif($yes)b#{else}c#end`, "a"},
		{`#if($no)a#elseif($yes)b#{else}c#{end}d`, "bd"},
		{`#if($nope)a#{else}c#end`, "c"},
		{`#if($empty)empty texts are true#end`, "empty texts are true"},
		{`#if(0)zero is true#end`, "zero is true"},
		{`#if($n > 6 && $n <= 7 || $no)a#end`, "a"},
		{`#if($n gt 6 and $n le 7 and not $no)a#end`, "a"},
		{`#if(!$nope)a#end`, "a"},
		{`#if($nope == $other)both null#end`, "both null"},
		{`#if($nope != "")null is no text#end`, "null is no text"},
		{`#if($s == "Hello" && $s != 'x')a#end`, "a"},
		{`#if($n == 7.0)by value#end`, "by value"},
		{`#if($n == "7")by text#end`, "by text"},
		{`#if("a" < "b")x#{else}texts are not ordered#end`, "texts are not ordered"},
		{`#if($yes == true and ($no || $n == 7))a#end`, "a"},
		{`#if($list == ["x","y","z"])same items#end`, "same items"},
	})
}

func TestArithmeticIsJavas(t *testing.T) {
	check(t, []row{
		{`#set($a = 7 / 2)$a`, "3"},
		{`#set($a = -7 / 2)$a`, "-3"},
		{`#set($a = -7 % 3)$a`, "-1"},
		{`#set($a = 7 / 2.0)$a`, "3.5"},
		{`#set($a = 4 / 2.0)$a`, "2.0"},
		{`#set($a = 1 + 2 * 3 - (4 - 1))$a`, "4"},
		{`#set($a = $n-1)$!a`, ""}, // the name is n-1
		{`#set($a = $n - 1)$a`, "6"},
		{`#set($a = $n -1)$a`, "6"},
		{`#set($a = "n=" + $n)$a`, "n=7"},
		{`#set($a = 1 / 0)$a`, "$a"},
		{`#set($a = $nope + 1)$a`, "$a"},
		{`#set($a = 9223372036854775807 + 1)$a`, "9223372036854775808"},
		{`#set($a = 1700000000123 / 1000 + 86400)$a`, "1700086400"},
		{`#set($a = 1.0e10)$a`, "1.0E10"},
		{`#set($a = 0.1 + 0.2)$a`, "0.30000000000000004"},
	})
}

func TestForeach(t *testing.T) {
	check(t, []row{
		{`#foreach($x in $list)$x#if($foreach.hasNext),#end#end`, "x,y,z"},
		{`#foreach($x in $list)$foreach.index$foreach.count$velocityCount#if($foreach.first)F#end#if($foreach.last)L#end #end`, "011F 122 233L "},
		{`#foreach($x in $user)$x;#end`, "Ann;[a, b];41;"},
		{`#foreach($k in $user.keySet())$k=$user.get($k);#end`, "name=Ann;tags=[a, b];age=41;"},
		{`#foreach($e in $user.entrySet())$e.key:$e.getValue();#end`, "name:Ann;tags:[a, b];age:41;"},
		{`#foreach($x in [3..1])$x#end`, "321"},
		{`#foreach($x in [1..$n])#if($x == 3)#break#end$x#end!`, "12!"},
		{`#foreach($x in $nope)$x#end$x`, "$x"},
		{`#foreach($x in "text")$x#end`, ""},
		{`#set($x = "old")#foreach($x in $list)#end$x`, "old"},
		{`#foreach($x in [1..2])#foreach($y in [1..2])$foreach.parent.count$foreach.topmost.index #end#end`, "10 10 21 21 "},
		{`#foreach($x in $list)#set($last = $x)#end$last`, "z"},
	})
}

func TestMacros(t *testing.T) {
	check(t, []row{
		{`#macro(hi $who)Hi $who!#end#hi("Ann")#hi($s)`, "Hi Ann!Hi Hello!"},
		{`#later(1 2)#macro(later $a, $b)$a/$b#end`, "1/2"},
		{`#macro(m $a)$a#end#m()`, "$a"},
		{`#macro(m $s)$s#end#m(1)$s`, "1Hello"},
		{`#macro(count $k)#if($k > 0)$k#set($j = $k - 1)#count($j)#end#end#count(3)`, "321"},
		{`#unknown(1)`, "#unknown(1)"},
	})
}

func TestStopAndReturn(t *testing.T) {
	check(t, []row{
		{`a#stop b`, "a"},
		{`#foreach($x in $list)$x#stop#end`, "x"},
		{`#macro(m)b#stop#end a#m()c`, " ab"},
	})
	parsed, err := Parse(`a#if($yes)#return({"k": $n})#end b`)
	if err != nil {
		t.Fatal(err)
	}
	out, err := parsed.Render(variables(), Limits{})
	if err != nil || !out.Returned || out.Text != "a" {
		t.Fatalf("%+v, %v", out, err)
	}
	b, _ := AppendJSON(nil, out.Value)
	if string(b) != `{"k":7}` {
		t.Errorf("returned %s", b)
	}
}

func TestTextsInQuotes(t *testing.T) {
	check(t, []row{
		{`#set($a = "$s.${n}x")$a`, "Hello.7x"},
		{`#set($a = "$s-${n} ${s}-$n")$a`, "$s-7 Hello-7"}, // a hyphen belongs to the name
		{`#set($a = '$s')$a`, "$s"},
		{`#set($a = "say ""hi""")$a`, `say "hi"`},
		{`#set($a = 'it''s')$a`, "it's"},
		{`#set($a = "#if($yes)y#end")$a`, "y"},
		{`#set($a = "\n\t")$a`, `\n\t`},
		{`#set($a = "\u0041")$a`, "A"},
		{`#set($a = "")[$a]`, "[]"},
		{`#set($a = "$user.get(""name"")")$a`, "Ann"},
		{"#set($a = \"two\nlines\")$a", "two\nlines"},
	})
}

func TestStringMethods(t *testing.T) {
	check(t, []row{
		{`$s.length() $s.isEmpty() $empty.isEmpty()`, "5 false true"},
		{`$s.substring(1) $s.substring(1,3) $s.charAt(0)`, "ello el H"},
		{`$s.indexOf("l") $s.indexOf("l", 3) $s.lastIndexOf("l") $s.indexOf("z")`, "2 3 3 -1"},
		{`$s.contains("ell") $s.startsWith("He") $s.endsWith("x")`, "true true false"},
		{`$s.toLowerCase()$s.toUpperCase()`, "helloHELLO"},
		{`$s.equals("Hello") $s.equalsIgnoreCase("HELLO") $s.equals($n)`, "true true false"},
		{`$s.replace("l", "L")`, "HeLLo"},
		{`$s.replaceAll("l+", "[$0]")`, "He[ll]o"},
		{`$s.replaceAll("(l)(o)", "$2$1")`, "Helol"},
		{`$s.replaceFirst("l", "")`, "Helo"},
		{`#set($q = 'a"b')$q.replaceAll('"', '\\"')`, `a\"b`},
		{`#set($q = "it\'s")$q.replaceAll("\\'", "'")`, "it's"},
		{`$s.matches("[A-Z]\w+") $s.matches("H")`, "true false"},
		{`#set($p = "a,b,,c,,")$p.split(",") $p.split(",").size() $p.split(",", 2)`, "[a, b, , c] 4 [a, b,,c,,]"},
		{`#set($p = " x ")[$p.trim()]`, "[x]"},
		{`$s.concat("!") $s.toString() $s.hashCode()`, "Hello! Hello 69609650"},
		{`#set($u = "a😀b")$u.length() $u.substring(3) $u.indexOf("b")`, "4 b 3"},
		{`$s.valueOf($n) $s.join("-", $list)`, "7 x-y-z"},
		{`#set($p = "a1b")$p.replaceAll("\p{Alpha}", "x") $p.replaceAll("[\p{Digit}]", "x")`, "x1x axb"},
	})
}

func TestListMethods(t *testing.T) {
	check(t, []row{
		{`$list.size() $list.get(1) $list.isEmpty() $list.contains("y") $list.indexOf("z")`, "3 y false true 2"},
		{`#set($d = $list.add("w"))$d $list`, "true [x, y, z, w]"},
		{`$!list.add(0, "w")$list`, "[w, x, y, z]"},
		{`$list.remove(0) $list.remove("z") $list`, "x true [y]"},
		{`$list.set(0, "a") $list`, "x [a, y, z]"},
		{`$list.addAll([1, 2]) $list $list.subList(1, 3)`, "true [x, y, z, 1, 2] [y, z]"},
		{`$list.removeAll(["x"]) $list.retainAll(["y"]) $list`, "true true [y]"},
		{`#foreach($x in $list)$!list.add($x)#end$list.size()`, "truetruetrue6"},
	})
}

func TestMapMethods(t *testing.T) {
	check(t, []row{
		{`$user.size() $user.containsKey("age") $user.containsValue("Ann") $user.isEmpty()`, "3 true true false"},
		{`$!user.put("x", 1)$!user.put("x", 2)$user.x`, "12"},
		{`$user.remove("age") $user.keySet() $user.values()`, "41 [name, tags] [Ann, [a, b]]"},
		{`#set($d = $user.putAll({"a": 1}))$user.a $user.getOrDefault("b", 5)`, "1 5"},
		{`$user.put("new", 1)`, `$user.put("new", 1)`}, // it returned null
	})
}

func TestNumberMethods(t *testing.T) {
	check(t, []row{
		{`$n.intValue() $n.doubleValue() $f.intValue() $n.toString().length()`, "7 7.0 1 1"},
		{`$n.parseInt("42") $n.valueOf("43") $n.parseInt("x")`, `42 43 $n.parseInt("x")`},
		{`$n.equals(7) $n.compareTo(9) $yes.booleanValue() $yes.toString()`, "true -1 true true"},
	})
}

func TestMistakesHaveAPosition(t *testing.T) {
	for _, r := range []row{
		{"a\n  #if($x\n", "line 3, column 1: #if has no closing parenthesis where this is"},
		{"#if($x)\n", "line 1, column 1: this #if has no #end"},
		{"a\n#end", "line 2, column 1: #end without an #if or #foreach"},
		{"#set($a)", "line 1, column 8: #set needs = after the reference"},
		{"#set(a = 1)", "line 1, column 6: #set needs a reference, such as $name"},
		{"#set($a = )", "line 1, column 11: a value should be here: a reference, a text in quotes, a number, a list or a map"},
		{"#foreach($a of $b)#end", `line 1, column 13: #foreach needs "in" after its reference`},
		{"#set($a = \"x)", "line 1, column 11: this text has no closing quote"},
		{"#set($a = {\"k\" 1})", `line 1, column 16: ":" is missing between a key and its value`},
		{"$a.b(1", `line 1, column 7: a comma or ")" is missing here`},
		{"#* x", "line 1, column 1: this comment has no *#"},
		{"#parse(\"x\")", "line 1, column 1: #parse is not supported"},
		{"#if(1)#else#else#end", "line 1, column 12: #else after #else"},
		{"\n$list.get(9)", "line 2, column 6: there is no item 9 in a list of 3"},
		{"$s.substring(9)", "line 1, column 3: there is no part from 9 to 5 in a text of length 5"},
		{"$host.fail()", "line 1, column 6: fail: no luck"},
		{`$s.replaceAll("(?=l)", "")`, "line 1, column 3: the regular expression \"(?=l)\" cannot be run: error parsing regexp: invalid or unsupported Perl syntax: `(?=`"},
		{`$s.replaceAll("l", "$x")`, `line 1, column 3: the replacement "$x" has a "$" without the number of a group; write \$ for a dollar sign`},
		{strings.Repeat("#if(1)", 200), "line 1, column 599: the template is nested over 100 levels"},
		{"#set($a = " + strings.Repeat("(", 200), "line 1, column 110: the template is nested over 100 levels"},
	} {
		_, err := render(t, r.source)
		if err == nil || err.Error() != r.want {
			t.Errorf("%.40s\ngot  %v\nwant %v", r.source, err, r.want)
		}
	}
}

func TestRunsAreBounded(t *testing.T) {
	for name, source := range map[string]string{
		"iterations": `#foreach($x in [1..1001])#end`,
		"steps":      `#foreach($x in [1..1000])#foreach($y in [1..1000])#foreach($z in [1..1000])$x#end#end#end`,
		"output":     `#set($s = $s.repeat(300000))#foreach($x in [1..100])$s#end`,
		"doubling":   `#foreach($x in [1..1000])#set($s = "$s$s")#end`,
		"range":      `#set($a = [1..9000000000000000000])`,
		"numbers":    `#foreach($x in [1..1000])#set($n = $n * $n)#end`,
		"macros":     `#macro(m)#m()#end#m()`,
		"repeat":     `$s.repeat(2000000000)`,
		"itself":     `$!list.add($list)$list`,
		"lists":      `#set($l = ["x"])#foreach($x in [1..60])#set($l = [$l, $l])#end$l`,
		"replace":    `#foreach($x in [1..1000])#set($s = $s.replaceAll("l", "ll"))#end`,
	} {
		if out, err := render(t, source); err == nil {
			t.Errorf("%s: no error, %d bytes", name, len(out))
		} else if !errors.As(err, new(*Error)) {
			t.Errorf("%s: %v has no position", name, err)
		}
	}
}

func TestJSON(t *testing.T) {
	for _, r := range []row{
		{`{"b":1,"a":[true,null,1.5,"<&>"]}`, `{"b":1,"a":[true,null,1.5,"<&>"]}`},
		{` 12345678901234567890 `, "12345678901234567890"},
		{`1e2`, "100.0"},
		{`"\u00e9\n"`, `"é\n"`},
	} {
		v, err := FromJSON([]byte(r.source))
		if err != nil {
			t.Fatal(err)
		}
		b, err := AppendJSON(nil, v)
		if err != nil || string(b) != r.want {
			t.Errorf("%s: got %s (%v), want %s", r.source, b, err, r.want)
		}
	}
	for _, bad := range []string{"", "{", "1 2", "[1,]", `{"a":1}}`} {
		if _, err := FromJSON([]byte(bad)); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
	if _, ok := readNumber("123456789012345678901").(*big.Int); !ok {
		t.Error("a large number is not exact")
	}
}

func FuzzTemplate(f *testing.F) {
	for _, s := range []string{
		`$a.b("c")[0] ${d} $!{e.f}`, "#set($a = [1..3])\n#foreach($x in $a)$x#if($foreach.hasNext),#end#end",
		`#macro(m $a $b)$a$b#end#m(1 "x$y")`, `#if($a && !$b || 1 + 2 * 3 == 7)x#elseif(1)y#{else}z#end`,
		`\\$a \#if #[[ $x ]]# ## c`, `#set($m = {"a": {"b": [1, 2.5e3]}})$m.a.b.get(1)$m`,
		`$s.replaceAll("(.)", "$1$1").split("[,;]").size()`, `#set($s = "a""b #if(1)$x#end")`,
		`#return({"a": -1})`, `$list.subList(0, 2).add($list)`, `$s.substring(1, 2).charAt(0).hashCode()`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, source string) {
		parsed, err := Parse(source)
		if err == nil {
			_, err = parsed.Render(variables(), Limits{Output: 1 << 16, Steps: 20000, Memory: 1 << 20})
		}
		var e *Error
		if err != nil && (!errors.As(err, &e) || e.Line < 1 || e.Column < 1) {
			t.Errorf("%q: %v has no position", source, err)
		}
	})
}

func BenchmarkRender(b *testing.B) {
	parsed, err := Parse("#set($ttl = $n / 1000 + 86400)\n{\"name\": \"$user.name\", \"ttl\": \"$ttl\", \"tags\": [#foreach($t in $user.tags)\"$t\"#if($foreach.hasNext),#end#end]}")
	if err != nil {
		b.Fatal(err)
	}
	vars := variables()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := parsed.Render(vars, Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}
