package tables

import (
	"fmt"
	"strings"

	"pgregory.net/rapid"
)

// The generated program works on two tables: "one" has a partition key pk (S),
// "two" has pk (S) and sk (N), a global index gsi on g (S) and n (N), and a
// local index lsi on l (S). Names and values come from small pools, so that
// operations meet the same items, attributes and values again. Most calls are
// well formed, because two mistakes in one call are reported in either order;
// TestRefusalsAgreeWithDynamoDBLocal makes one mistake at a time.

func pick(t *rapid.T, label string, from ...string) string {
	return rapid.SampledFrom(from).Draw(t, label)
}

func quote(s string) string { return fmt.Sprintf("%q", s) }

// value is an attribute value as JSON; depth bounds lists and maps.
func value(t *rapid.T, depth int) string {
	kinds := 9
	if depth > 0 {
		kinds = 12
	}
	switch rapid.IntRange(0, kinds).Draw(t, "kind") {
	case 0, 1, 2:
		return `{"S":` + quote(pick(t, "S", "", "a", "b", "ab", "abc", "é")) + `}`
	case 3, 4, 5:
		return number(t)
	case 6:
		return `{"B":` + quote(pick(t, "B", "AA==", "AAE=", "/w==")) + `}`
	case 7:
		return `{"BOOL":` + pick(t, "BOOL", "true", "false") + `}`
	case 8:
		return `{"NULL":true}`
	case 9:
		return pick(t, "set", `{"SS":["a"]}`, `{"SS":["b","a"]}`, `{"NS":["1"]}`, `{"NS":["2","1.0"]}`, `{"BS":["AA==","/w=="]}`)
	case 10, 11:
		return `{"L":[` + strings.Join(rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string { return value(t, depth-1) }), 0, 3).Draw(t, "L"), ",") + `]}`
	}
	members := rapid.MapOfN(rapid.SampledFrom([]string{"x", "y", "z"}), rapid.Custom(func(t *rapid.T) string { return value(t, depth-1) }), 0, 2).Draw(t, "M")
	return `{"M":` + object(members) + `}`
}

// scalar is a value that has an order.
func scalar(t *rapid.T) string {
	if rapid.Bool().Draw(t, "number") {
		return number(t)
	}
	return `{"S":` + quote(pick(t, "S", "a", "b", "ab")) + `}`
}

// bounds are the two ends of a BETWEEN.
func bounds(t *rapid.T) (low, high string) {
	numbers := []string{"-1", "0", "1", "1.50", "2", "10"}
	i := rapid.IntRange(0, len(numbers)-1).Draw(t, "low")
	j := rapid.IntRange(i, len(numbers)-1).Draw(t, "high")
	return `{"N":"` + numbers[i] + `"}`, `{"N":"` + numbers[j] + `"}`
}

func number(t *rapid.T) string {
	return `{"N":` + quote(pick(t, "N", "0", "1", "2", "3", "-1", "1.50", "10", "1e2", "0.1", "12345678901234567890123456789012345678")) + `}`
}

func object(members map[string]string) string {
	var parts []string
	for name, v := range members {
		parts = append(parts, quote(name)+":"+v)
	}
	return "{" + strings.Join(parts, ",") + "}"
}

var attributes = []string{"a", "b", "c", "m", "q"}

// table is the name of one of the two tables.
func table(t *rapid.T) string { return pick(t, "table", "one", "two") }

func keyMembers(t *rapid.T, table string) map[string]string {
	key := map[string]string{"pk": `{"S":` + quote(pick(t, "pk", "p", "q")) + `}`}
	if table == "two" {
		key["sk"] = `{"N":` + quote(pick(t, "sk", "1", "2", "3", "-1", "10")) + `}`
	}
	return key
}

func key(t *rapid.T, table string) string { return object(keyMembers(t, table)) }

func item(t *rapid.T, table string) string {
	members := keyMembers(t, table)
	for _, name := range attributes {
		if rapid.Bool().Draw(t, "has "+name) {
			members[name] = value(t, 2)
		}
	}
	if table == "two" {
		for name, odds := range map[string]int{"g": 2, "l": 2, "n": 2} {
			if rapid.IntRange(0, odds).Draw(t, "has "+name) > 0 {
				members[name] = `{"S":` + quote(pick(t, name, "x", "y")) + `}`
				if name == "n" {
					members[name] = `{"N":` + quote(pick(t, name, "1", "2")) + `}`
				}
			}
		}
	}
	return object(members)
}

// placeholders collects what an expression uses.
type placeholders struct {
	names, values map[string]string
}

func newPlaceholders() *placeholders {
	return &placeholders{map[string]string{}, map[string]string{}}
}

func (p *placeholders) value(v string) string {
	name := fmt.Sprintf(":v%d", len(p.values))
	p.values[name] = v
	return name
}

func (p *placeholders) members() string {
	var out string
	if len(p.names) > 0 {
		quoted := map[string]string{}
		for k, v := range p.names {
			quoted[k] = quote(v)
		}
		out += `,"ExpressionAttributeNames":` + object(quoted)
	}
	if len(p.values) > 0 {
		out += `,"ExpressionAttributeValues":` + object(p.values)
	}
	return out
}

func (p *placeholders) path(t *rapid.T) string {
	name := rapid.SampledFrom(append(attributes, "g", "l", "n", "pk", "nested")).Draw(t, "path")
	if name == "nested" {
		return pick(t, "nested", "m.x", "m.y.x", "a[0]", "a[1]", "b.x[0]", "c[0].x", "m.x.y")
	}
	if rapid.Bool().Draw(t, "#") {
		p.names["#"+name] = name
		return "#" + name
	}
	return name
}

// subject is what a condition is about: a path, or its size.
func (p *placeholders) subject(t *rapid.T) string {
	if rapid.IntRange(0, 3).Draw(t, "size") == 0 {
		return "size(" + p.path(t) + ")"
	}
	return p.path(t)
}

func (p *placeholders) condition(t *rapid.T, depth int) string {
	if depth > 0 {
		switch rapid.IntRange(0, 5).Draw(t, "connective") {
		case 0:
			return p.condition(t, depth-1) + " AND " + p.condition(t, depth-1)
		case 1:
			return "(" + p.condition(t, depth-1) + ") OR " + p.condition(t, depth-1)
		case 2:
			return "NOT " + p.condition(t, 0)
		}
	}
	switch rapid.IntRange(0, 9).Draw(t, "condition") {
	case 0:
		return "attribute_exists(" + p.path(t) + ")"
	case 1:
		return "attribute_not_exists(" + p.path(t) + ")"
	case 2:
		return "attribute_type(" + p.path(t) + "," + p.value(`{"S":`+quote(pick(t, "type", "S", "N", "L", "M", "SS", "NULL", "BOOL"))+`}`) + ")"
	case 3:
		return "begins_with(" + p.path(t) + "," + p.value(`{"S":`+quote(pick(t, "S", "", "a", "ab"))+`}`) + ")"
	case 4:
		return "contains(" + p.path(t) + "," + p.value(value(t, 1)) + ")"
	case 5:
		low, high := bounds(t)
		return p.subject(t) + " BETWEEN " + p.value(low) + " AND " + p.value(high)
	case 6:
		return p.subject(t) + " IN (" + p.value(value(t, 0)) + "," + p.value(value(t, 1)) + ")"
	case 7:
		return p.subject(t) + pick(t, "comparator", " < ", "<=", ">", " >= ") + p.value(scalar(t))
	}
	return p.subject(t) + pick(t, "equality", " = ", " <> ") + p.value(value(t, 1))
}

// target is what an update changes: no key.
func (p *placeholders) target(t *rapid.T, nested bool) string {
	name := rapid.SampledFrom(attributes).Draw(t, "target")
	if nested && rapid.IntRange(0, 3).Draw(t, "nested") == 0 {
		return pick(t, "nested", "m.x", "m.y.x", "a[0]", "a[1]", "b.x[0]", "c[0].x")
	}
	if rapid.Bool().Draw(t, "#") {
		p.names["#"+name] = name
		return "#" + name
	}
	return name
}

func (p *placeholders) setValue(t *rapid.T) string {
	switch rapid.IntRange(0, 7).Draw(t, "set") {
	case 0:
		return "if_not_exists(" + p.path(t) + "," + p.value(value(t, 1)) + ")"
	case 1:
		return "list_append(" + p.path(t) + "," + p.value(`{"L":[`+value(t, 0)+`]}`) + ")"
	case 2:
		return p.path(t) + " + " + p.value(number(t))
	case 3:
		return p.value(number(t)) + " - " + p.path(t)
	case 4:
		return p.path(t)
	}
	return p.value(value(t, 2))
}

// update is an UpdateExpression.
func (p *placeholders) update(t *rapid.T) string {
	var clauses []string
	list := func(clause string, one func() string) {
		if rapid.IntRange(0, 2).Draw(t, clause) == 0 {
			parts := []string{one()}
			if rapid.Bool().Draw(t, "two") {
				parts = append(parts, one())
			}
			clauses = append(clauses, clause+" "+strings.Join(parts, ", "))
		}
	}
	list("SET", func() string { return p.target(t, true) + " = " + p.setValue(t) })
	list("REMOVE", func() string { return p.target(t, false) })
	list("ADD", func() string {
		return p.target(t, true) + " " + p.value(pick(t, "add", `{"N":"1"}`, `{"N":"-2.5"}`, `{"SS":["a","c"]}`, `{"NS":["1","7"]}`))
	})
	list("DELETE", func() string {
		return p.target(t, false) + " " + p.value(pick(t, "delete", `{"SS":["a"]}`, `{"NS":["1"]}`, `{"SS":["b","a"]}`))
	})
	if len(clauses) == 0 || !strings.HasPrefix(clauses[0], "SET") {
		clauses = append([]string{"SET a = " + p.value(value(t, 1))}, clauses...)
	}
	return strings.Join(clauses, " ")
}

func (p *placeholders) projection(t *rapid.T) string {
	all := []string{"a", "b.x", "c[0]", "c[1]", "m.x", "m.y", "q", "g", "pk"}
	return strings.Join(rapid.SliceOfNDistinct(rapid.SampledFrom(all), 1, 4, rapid.ID).Draw(t, "projection"), ", ")
}

// expression is an optional member that holds an expression.
func expression(t *rapid.T, odds int, name string, make func() string) string {
	if rapid.IntRange(0, odds).Draw(t, name) != 0 {
		return ""
	}
	return `,"` + name + `":` + quote(make())
}

func option(t *rapid.T, odds int, name string, values ...string) string {
	if rapid.IntRange(0, odds).Draw(t, name+"?") != 0 {
		return ""
	}
	return `,"` + name + `":` + quote(pick(t, name, values...))
}

// request is one call.
type request struct {
	operation, body string
}

func put(t *rapid.T) request {
	name, p := table(t), newPlaceholders()
	body := `{"TableName":"` + name + `","Item":` + item(t, name) +
		expression(t, 2, "ConditionExpression", func() string { return p.condition(t, 2) }) + p.members() +
		option(t, 1, "ReturnValues", "ALL_OLD", "NONE") + option(t, 3, "ReturnValuesOnConditionCheckFailure", "ALL_OLD") + "}"
	return request{"PutItem", body}
}

func remove(t *rapid.T) request {
	name, p := table(t), newPlaceholders()
	body := `{"TableName":"` + name + `","Key":` + key(t, name) +
		expression(t, 2, "ConditionExpression", func() string { return p.condition(t, 2) }) + p.members() +
		option(t, 1, "ReturnValues", "ALL_OLD", "NONE") + option(t, 3, "ReturnValuesOnConditionCheckFailure", "ALL_OLD") + "}"
	return request{"DeleteItem", body}
}

func update(t *rapid.T) request {
	name, p := table(t), newPlaceholders()
	body := `{"TableName":"` + name + `","Key":` + key(t, name) + `,"UpdateExpression":` + quote(p.update(t)) +
		expression(t, 3, "ConditionExpression", func() string { return p.condition(t, 1) }) + p.members() +
		option(t, 1, "ReturnValues", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW") + "}"
	return request{"UpdateItem", body}
}

func get(t *rapid.T) request {
	name, p := table(t), newPlaceholders()
	body := `{"TableName":"` + name + `","Key":` + key(t, name) + `,"ConsistentRead":true` +
		expression(t, 1, "ProjectionExpression", func() string { return p.projection(t) }) + p.members() + "}"
	return request{"GetItem", body}
}

func query(t *rapid.T) request {
	p := newPlaceholders()
	partition := pick(t, "pk", "p", "q")
	sort := func(name string, v func() string) string {
		switch rapid.IntRange(0, 3).Draw(t, "sort") {
		case 0:
			return " AND " + name + pick(t, "comparator", " = ", " < ", " <= ", " > ", " >= ") + p.value(v())
		case 1:
			low := v()
			return " AND " + name + " BETWEEN " + p.value(low) + " AND " + p.value(low)
		}
		return ""
	}
	name, more := table(t), ""
	text := func() string { return `{"S":` + quote(pick(t, "S", "x", "y")) + `}` }
	condition := "pk = " + p.value(`{"S":`+quote(partition)+`}`)
	if name == "two" {
		switch rapid.IntRange(0, 3).Draw(t, "index") {
		case 0:
			p = newPlaceholders()
			condition = "g = " + p.value(text()) + sort("n", func() string { return number(t) })
			more = `,"IndexName":"gsi"`
		case 1:
			condition += sort("l", text)
			more = `,"IndexName":"lsi"`
		default:
			condition += sort("sk", func() string { return number(t) })
		}
	}
	body := `{"TableName":"` + name + `","KeyConditionExpression":` + quote(condition) + more
	if more == "" {
		body += expression(t, 2, "FilterExpression", func() string { return p.filter(t) })
	}
	body += option(t, 5, "Select", "COUNT")
	if !strings.Contains(body, "COUNT") {
		body += expression(t, 4, "ProjectionExpression", func() string { return p.projection(t) })
	}
	body += p.members()
	if more == "" && name == "two" {
		if rapid.IntRange(0, 2).Draw(t, "limit?") == 0 {
			body += fmt.Sprintf(`,"Limit":%d`, rapid.IntRange(1, 3).Draw(t, "limit"))
		}
		if rapid.IntRange(0, 2).Draw(t, "backward") == 0 {
			body += `,"ScanIndexForward":false`
		}
		if !strings.Contains(condition, "sk") && rapid.IntRange(0, 3).Draw(t, "start") == 0 {
			body += `,"ExclusiveStartKey":{"pk":{"S":` + quote(partition) + `},"sk":` + number(t) + `}`
		}
	}
	return request{"Query", body + "}"}
}

// filter is a condition on attributes that are no keys.
func (p *placeholders) filter(t *rapid.T) string {
	name := rapid.SampledFrom(attributes).Draw(t, "filter")
	switch rapid.IntRange(0, 2).Draw(t, "kind") {
	case 0:
		return "attribute_exists(" + name + ")"
	case 1:
		return name + " <= " + p.value(scalar(t))
	}
	return "NOT " + name + " = " + p.value(value(t, 1))
}

func scan(t *rapid.T) request {
	p := newPlaceholders()
	body := `{"TableName":"` + table(t) + `"` +
		expression(t, 1, "FilterExpression", func() string { return p.condition(t, 2) }) +
		expression(t, 3, "ProjectionExpression", func() string { return p.projection(t) }) + p.members() + "}"
	return request{"Scan", body}
}

// placed is the key of an item in one of the tables.
type placed struct{ table, pk, sk string }

// distinct are the keys of different items.
func distinct(t *rapid.T, most int) []placed {
	all := []placed{{"one", "p", ""}, {"one", "q", ""}, {"two", "p", "1"}, {"two", "p", "2"}, {"two", "p", "-1"}, {"two", "q", "1"}, {"two", "q", "10"}}
	return rapid.SliceOfNDistinct(rapid.SampledFrom(all), 1, most, rapid.ID).Draw(t, "keys")
}

func (k placed) members() map[string]string {
	key := map[string]string{"pk": `{"S":"` + k.pk + `"}`}
	if k.sk != "" {
		key["sk"] = `{"N":"` + k.sk + `"}`
	}
	return key
}

func (k placed) item(t *rapid.T) string {
	members := k.members()
	for _, name := range attributes {
		if rapid.Bool().Draw(t, "has "+name) {
			members[name] = value(t, 1)
		}
	}
	return object(members)
}

func batchWrite(t *rapid.T) request {
	entries := map[string][]string{}
	for _, k := range distinct(t, 4) {
		entry := `{"DeleteRequest":{"Key":` + object(k.members()) + `}}`
		if rapid.Bool().Draw(t, "put") {
			entry = `{"PutRequest":{"Item":` + k.item(t) + `}}`
		}
		entries[k.table] = append(entries[k.table], entry)
	}
	tables := map[string]string{}
	for name, list := range entries {
		tables[name] = "[" + strings.Join(list, ",") + "]"
	}
	return request{"BatchWriteItem", `{"RequestItems":` + object(tables) + `}`}
}

func batchGet(t *rapid.T) request {
	tables := map[string]string{}
	keys := map[string][]string{}
	for _, k := range distinct(t, 4) {
		keys[k.table] = append(keys[k.table], object(k.members()))
	}
	for _, name := range []string{"one", "two"} {
		if list := keys[name]; list != nil {
			p := newPlaceholders()
			tables[name] = `{"Keys":[` + strings.Join(list, ",") + `]` +
				expression(t, 2, "ProjectionExpression", func() string { return p.projection(t) }) + p.members() + `}`
		}
	}
	return request{"BatchGetItem", `{"RequestItems":` + object(tables) + `}`}
}

func transactWrite(t *rapid.T) request {
	var actions []string
	for _, k := range distinct(t, 3) {
		p := newPlaceholders()
		condition := func(odds int) string {
			return expression(t, odds, "ConditionExpression", func() string { return p.condition(t, 1) })
		}
		failure := func() string { return option(t, 2, "ReturnValuesOnConditionCheckFailure", "ALL_OLD") }
		head := `{"TableName":"` + k.table + `",`
		key := `"Key":` + object(k.members())
		switch rapid.IntRange(0, 3).Draw(t, "action") {
		case 0:
			actions = append(actions, `{"Put":`+head+`"Item":`+k.item(t)+condition(2)+p.members()+failure()+`}}`)
		case 1:
			actions = append(actions, `{"Delete":`+head+key+condition(2)+p.members()+failure()+`}}`)
		case 2:
			actions = append(actions, `{"Update":`+head+key+`,"UpdateExpression":`+quote(p.update(t))+condition(2)+p.members()+failure()+`}}`)
		default:
			actions = append(actions, `{"ConditionCheck":`+head+key+condition(0)+p.members()+failure()+`}}`)
		}
	}
	return request{"TransactWriteItems", `{"TransactItems":[` + strings.Join(actions, ",") + `]}`}
}

func transactGet(t *rapid.T) request {
	var actions []string
	for _, k := range distinct(t, 3) {
		p := newPlaceholders()
		actions = append(actions, `{"Get":{"TableName":"`+k.table+`","Key":`+object(k.members())+
			expression(t, 2, "ProjectionExpression", func() string { return p.projection(t) })+p.members()+`}}`)
	}
	return request{"TransactGetItems", `{"TransactItems":[` + strings.Join(actions, ",") + `]}`}
}

// comparison is one entry of Expected or a filter from before expressions.
func comparison(t *rapid.T) string {
	operator := pick(t, "operator", "EQ", "NE", "LT", "LE", "GT", "GE", "BETWEEN", "CONTAINS", "NOT_CONTAINS", "BEGINS_WITH", "IN", "NULL", "NOT_NULL")
	var values []string
	switch operator {
	case "NULL", "NOT_NULL":
	case "BETWEEN":
		low, high := bounds(t)
		values = []string{low, high}
	case "IN":
		values = []string{number(t), number(t)}
	case "EQ", "NE":
		values = []string{value(t, 1)}
	case "BEGINS_WITH":
		values = []string{`{"S":"a"}`}
	default:
		values = []string{scalar(t)}
	}
	entry := `{"ComparisonOperator":"` + operator + `"`
	if values != nil {
		entry += `,"AttributeValueList":[` + strings.Join(values, ",") + `]`
	}
	return entry + `}`
}

func comparisons(t *rapid.T) (member string, n int) {
	list := rapid.MapOfN(rapid.SampledFrom(attributes), rapid.Custom(comparison), 1, 2).Draw(t, "comparisons")
	return object(list), len(list)
}

// older is a call that uses the parameters from before expressions.
func older(t *rapid.T) request {
	name := table(t)
	filter, n := comparisons(t)
	connective := ""
	if n > 1 {
		connective = option(t, 1, "ConditionalOperator", "AND", "OR")
	}
	head := `{"TableName":"` + name + `",`
	switch rapid.IntRange(0, 4).Draw(t, "older") {
	case 0:
		return request{"Scan", head + `"ScanFilter":` + filter + connective + `}`}
	case 1:
		return request{"Query", head + `"KeyConditions":{"pk":{"ComparisonOperator":"EQ","AttributeValueList":[{"S":"p"}]}},"QueryFilter":` + filter + connective + `}`}
	case 2:
		return request{"PutItem", head + `"Item":` + item(t, name) + `,"Expected":` + filter + connective + `}`}
	case 3:
		return request{"DeleteItem", head + `"Key":` + key(t, name) + `,"Expected":` + filter + connective + `}`}
	}
	updates := rapid.MapOfN(rapid.SampledFrom(attributes), rapid.Custom(func(t *rapid.T) string {
		switch pick(t, "action", "PUT", "ADD", "DELETE", "DELETE all") {
		case "ADD":
			return `{"Action":"ADD","Value":` + pick(t, "add", `{"N":"1"}`, `{"SS":["a","c"]}`, `{"L":[{"S":"x"}]}`) + `}`
		case "DELETE":
			return `{"Action":"DELETE","Value":` + pick(t, "delete", `{"SS":["a"]}`, `{"NS":["1"]}`) + `}`
		case "DELETE all":
			return `{"Action":"DELETE"}`
		}
		return `{"Action":"PUT","Value":` + value(t, 1) + `}`
	}), 1, 3).Draw(t, "updates")
	updates["put"] = `{"Value":` + value(t, 1) + `}`
	return request{"UpdateItem", head + `"Key":` + key(t, name) + `,"AttributeUpdates":` + object(updates) +
		option(t, 1, "ReturnValues", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW") + `}`}
}

// call is any call; writes come first so that shrinking keeps them simple.
func call(t *rapid.T) request {
	kinds := []func(*rapid.T) request{put, update, update, remove, get, query, query, scan, batchWrite, batchGet, transactWrite, transactGet, older, older}
	return rapid.SampledFrom(kinds).Draw(t, "operation")(t)
}
