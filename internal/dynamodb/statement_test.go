package dynamodb_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/suiro-dev/suiro/internal/awsapi"
	"github.com/suiro-dev/suiro/internal/dynamodb"
)

// The behaviour of PartiQL in these tests was recorded on AWS by
// paritysuite/dynamodb-conformance, tier2/partiql and tier3/error-messages.

func quoted(text string) string {
	b, _ := json.Marshal(text)
	return string(b)
}

func (c *client) run(statement string) string {
	c.t.Helper()
	return c.ok("ExecuteStatement", `{"Statement":`+quoted(statement)+`}`)
}

// selects checks what a statement answers.
func (c *client) selects(statement, items string) {
	c.t.Helper()
	same(c.t, statement, c.run(statement), `{"Items":`+items+`}`)
}

func (c *client) invalidStatement(statement, text string) {
	c.t.Helper()
	c.invalid("ExecuteStatement", `{"Statement":`+quoted(statement)+`}`, text)
}

func (c *client) conditionFails(statement string) {
	c.t.Helper()
	c.refused("ExecuteStatement", `{"Statement":`+quoted(statement)+`}`, "ConditionalCheckFailedException", "The conditional request failed")
}

func statementTable(t *testing.T) *client {
	c := newClient(t)
	c.table("tab", "pk S, sk N, g S, l S",
		`"GlobalSecondaryIndexes":[`+globalIndex("gsi", "g", "KEYS_ONLY")+`]`,
		`"LocalSecondaryIndexes":[{"IndexName":"lsi","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"l","KeyType":"RANGE"}],"Projection":{"ProjectionType":"KEYS_ONLY"}}]`)
	for _, item := range []string{
		`{'pk':'a','sk':1,'g':'x','l':'l1','n':10,'m':{'k':'deep','o':['p','q']},'ss':<<'a','b'>>,'nul':null}`,
		`{'pk':'a','sk':2,'g':'y','l':'l2','n':20}`, `{'pk':'a','sk':3,'g':'x','l':'l3','n':30}`, `{'pk':'b','sk':1,'n':10}`,
	} {
		c.selects("INSERT INTO tab VALUE "+item, `[]`)
	}
	return c
}

func TestSelectStatements(t *testing.T) {
	c := statementTable(t)
	for statement, want := range map[string]string{
		`SELECT sk FROM tab WHERE pk='a'`:                              `[{"sk":{"N":"1"}},{"sk":{"N":"2"}},{"sk":{"N":"3"}}]`,
		`SELECT sk FROM tab WHERE pk='a' AND sk>1 ORDER BY sk DESC`:    `[{"sk":{"N":"3"}},{"sk":{"N":"2"}}]`,
		`SELECT sk FROM tab WHERE pk='a' AND n BETWEEN 15 AND 25`:      `[{"sk":{"N":"2"}}]`,
		`SELECT pk, sk FROM tab WHERE pk IN ['b','a'] AND n=10`:        `[{"pk":{"S":"b"},"sk":{"N":"1"}},{"pk":{"S":"a"},"sk":{"N":"1"}}]`,
		`SELECT m.k, m.o[1] FROM "tab" WHERE pk='a' AND sk=1`:          `[{"k":{"S":"deep"},"o[1]":{"S":"q"}}]`,
		`SELECT nope FROM tab WHERE pk='b'`:                            `[{}]`,
		`SELECT sk FROM tab WHERE pk='a' AND contains(ss,'a')`:         `[{"sk":{"N":"1"}}]`,
		`SELECT sk FROM tab WHERE pk='a' AND nul IS NULL`:              `[{"sk":{"N":"1"}}]`,
		`SELECT sk FROM tab WHERE pk='a' AND m IS NOT MISSING`:         `[{"sk":{"N":"1"}}]`,
		`SELECT sk FROM tab WHERE pk='a' AND attribute_exists(m.o[0])`: `[{"sk":{"N":"1"}}]`,
		`SELECT sk FROM tab WHERE pk='a' AND NOT begins_with(g,'x')`:   `[{"sk":{"N":"2"}}]`,
		`SELECT sk FROM tab WHERE pk='a' AND ss=<<'b','a'>>`:           `[{"sk":{"N":"1"}}]`,
		`SELECT n FROM tab WHERE pk='zz'`:                              `[]`,
		`SELECT * FROM tab.gsi WHERE g='y'`:                            `[{"pk":{"S":"a"},"sk":{"N":"2"},"g":{"S":"y"}}]`,
		`SELECT sk FROM "tab"."gsi" WHERE pk='a' AND g>'x'`:            `[{"sk":{"N":"2"}}]`, // a scan of the index
		`SELECT * FROM tab.lsi WHERE pk='a' AND l='l2'`:                `[{"pk":{"S":"a"},"sk":{"N":"2"},"l":{"S":"l2"}}]`,
		`SELECT n FROM tab.lsi WHERE pk='a' AND l>'l1'`:                `[{"n":{"N":"20"}},{"n":{"N":"30"}}]`, // fetched from the table
		`SELECT sk FROM tab.gsi WHERE n=10`:                            `[]`,                                  // the index has no such attribute
	} {
		c.selects(statement, want)
	}
	for statement, want := range map[string]string{
		`SELECT n, m FROM tab.gsi WHERE g='x'`:            notInvalid + "Global secondary index gsi does not project [n, m]",
		`SELECT n FROM tab.gsi`:                           notInvalid + "Global secondary index gsi does not project [n]",
		`SELECT pk FROM tab.gsi WHERE g='x' AND n=1`:      notInvalid + "Secondary index gsi does not project one or more filter attributes: [n]",
		`SELECT pk FROM tab.lsi WHERE pk='a' AND n=1`:     notInvalid + "Secondary index lsi does not project one or more filter attributes: [n]",
		`SELECT * FROM tab.nope WHERE pk='a'`:             "The table does not have the specified index",
		`SELECT * FROM tab WHERE pk='a' AND sk.x=1`:       "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: Key: sk",
		`EXISTS(SELECT * FROM tab WHERE pk='a' AND sk=1)`: "EXISTS can only be used in ExecuteTransaction write requests.",
	} {
		c.invalidStatement(statement, want)
	}
	c.invalid("ExecuteStatement", `{"Statement":"SELECT * FROM tab.gsi WHERE g='x'","ConsistentRead":true}`, "Strongly consistent read is not supported on Global Secondary Indexes")
	c.refused("ExecuteStatement", `{"Statement":"SELECT * FROM nope"}`, "ResourceNotFoundException", resourceGap)
}

func TestStatementPages(t *testing.T) {
	c := statementTable(t)
	body := `{"Statement":"SELECT pk, sk FROM tab WHERE pk IN ['b','a'] AND n <> 20","Limit":2`
	var got []string
	token := ""
	for range 10 {
		var page struct {
			Items     []json.RawMessage
			NextToken string
		}
		answer := c.ok("ExecuteStatement", body+token+`}`)
		if err := json.Unmarshal([]byte(answer), &page); err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Items {
			got = append(got, string(item))
		}
		if page.NextToken == "" {
			break
		}
		token = `,"NextToken":` + quoted(page.NextToken)
	}
	same(t, "all pages", "["+strings.Join(got, ",")+"]", `[{"pk":{"S":"b"},"sk":{"N":"1"}},{"pk":{"S":"a"},"sk":{"N":"1"}},{"pk":{"S":"a"},"sk":{"N":"3"}}]`)
	c.invalid("ExecuteStatement", strings.Replace(body, "20", "21", 1)+token+`}`, "Invalid NextToken") // of another statement
	c.invalid("ExecuteStatement", body+`,"NextToken":"zzz"}`, "Invalid NextToken")
	c.invalid("ExecuteStatement", `{"Statement":"SELECT * FROM tab","Limit":0}`, oneError+"Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1")
}

func TestInsertStatements(t *testing.T) {
	c := statementTable(t)
	c.ok("ExecuteStatement", `{"Statement":"INSERT INTO tab VALUE {'pk':?,'sk':?}","Parameters":[{"S":"p"},{"N":"1"}]}`)
	c.selects(`SELECT * FROM tab WHERE pk='p'`, `[{"pk":{"S":"p"},"sk":{"N":"1"}}]`)
	c.refused("ExecuteStatement", `{"Statement":"INSERT INTO tab VALUE {'pk':'a','sk':1}"}`, "DuplicateItemException", "Duplicate primary key exists in table")
	c.run(`DELETE FROM tab WHERE pk='p' AND sk=1`)
	c.run(`INSERT INTO tab VALUE {'pk':'p','sk':1}`)
	c.invalidStatement(`INSERT INTO tab VALUE {'pk':'q'}`, "Key attribute should be present in the item: Key sk")
	c.invalidStatement(`INSERT INTO tab VALUE {'pk':1,'sk':1}`, "Key attribute's data type should match its data type in table's schema: Key pk")
	c.invalidStatement(`INSERT INTO tab VALUE {'pk':'q','sk':1,'g':1}`, notInvalid+"Type mismatch for Index Key g Expected: S Actual: N IndexName: gsi")
	c.invalid("ExecuteStatement", `{"Statement":"INSERT INTO tab VALUE {'pk':?,'sk':1}","Parameters":[]}`,
		oneError+"Value '[]' at 'parameters' failed to satisfy constraint: Member must have length greater than or equal to 1")
	c.invalid("ExecuteStatement", `{"Statement":"INSERT INTO tab VALUE {'pk':?,'sk':1,'x':?}","Parameters":[{"S":"z"},{"S":"`+strings.Repeat("x", 409600)+`"}]}`,
		"Item size has exceeded the maximum allowed size")
}

func TestUpdateStatements(t *testing.T) {
	c := statementTable(t)
	for _, row := range [][2]string{
		{`UPDATE tab SET q=1, r=n SET t=? WHERE pk='a' AND sk=1 RETURNING MODIFIED NEW *`, `[{"q":{"N":"1"},"r":{"N":"10"},"t":{"S":"p"}}]`},
		{`UPDATE tab SET q=q+1 WHERE pk='a' AND sk=1 RETURNING MODIFIED NEW *`, `[{"q":{"N":"2"}}]`},
		{`UPDATE tab SET q=q-5+1 WHERE pk='a' AND sk=1 RETURNING MODIFIED NEW *`, `[{"q":{"N":"-2"}}]`},
		{`UPDATE tab SET m.o=list_append(m.o,['z']) WHERE pk='a' AND sk=1 RETURNING MODIFIED NEW *`, `[{"m":{"M":{"o":{"L":[{"S":"p"},{"S":"q"},{"S":"z"}]}}}}]`},
		{`UPDATE tab SET ss=set_add(ss,<<'z'>>) WHERE pk='a' AND sk=1 RETURNING MODIFIED NEW *`, `[{"ss":{"SS":["a","b","z"]}}]`},
		{`UPDATE tab SET ss=SET_DELETE(ss,<<'a'>>) WHERE pk='a' AND sk=1 RETURNING MODIFIED NEW *`, `[{"ss":{"SS":["b","z"]}}]`},
		{`UPDATE tab SET ss=set_delete(ss,<<'b','z'>>) WHERE pk='a' AND sk=1`, `[]`},
		{`UPDATE tab SET fresh=set_add(fresh,<<1>>) REMOVE m WHERE pk='a' AND sk=1 RETURNING MODIFIED NEW *`, `[{"fresh":{"NS":["1"]}}]`},
		{`UPDATE tab REMOVE q REMOVE r REMOVE t REMOVE fresh REMOVE nul WHERE pk='a' AND sk=1 RETURNING MODIFIED NEW *`, `[]`},
		{`FROM tab WHERE pk='a' AND sk=1 AND n=10 SET n=11 RETURNING ALL NEW *`, `[{"pk":{"S":"a"},"sk":{"N":"1"},"g":{"S":"x"},"l":{"S":"l1"},"n":{"N":"11"}}]`},
		{`UPDATE tab SET n=12 WHERE (pk='a') AND (sk=1) RETURNING ALL OLD *`, `[{"pk":{"S":"a"},"sk":{"N":"1"},"g":{"S":"x"},"l":{"S":"l1"},"n":{"N":"11"}}]`},
	} {
		same(t, row[0], c.ok("ExecuteStatement", `{"Statement":`+quoted(row[0])+`,"Parameters":[{"S":"p"}]}`), `{"Items":`+row[1]+`}`)
	}
	// A PartiQL UPDATE makes no item.
	c.conditionFails(`UPDATE tab SET x=1 WHERE pk='nope' AND sk=1`)
	c.conditionFails(`UPDATE tab SET x=1 WHERE pk='nope' AND sk=1 AND attribute_not_exists(pk)`)
	c.conditionFails(`UPDATE tab SET x=1 WHERE pk='a' AND sk=1 AND n=99`)
	c.selects(`SELECT * FROM tab WHERE pk='nope'`, `[]`)
	const noKeys = "Where clause does not contain a mandatory equality on all key attributes"
	for _, where := range []string{``, ` WHERE pk='a'`, ` WHERE pk='a' AND sk>=1`, ` WHERE pk='a' AND sk IN [1]`, ` WHERE pk='a' AND sk=1 OR pk='b' AND sk=1`} {
		c.invalidStatement(`UPDATE tab SET x=1`+where, noKeys)
	}
	c.invalidStatement(`UPDATE tab SET pk='q' WHERE pk='a' AND sk=1`, notInvalid+"Cannot update attribute pk. This attribute is part of the key")
	c.invalidStatement(`UPDATE tab SET newlist[0]='x' WHERE pk='a' AND sk=1`, "The document path provided in the update expression is invalid for update")
	c.invalidStatement(`UPDATE tab SET x=nope WHERE pk='a' AND sk=1`, "The provided expression refers to an attribute that does not exist in the item")
	c.invalidStatement(`UPDATE tab SET n=set_add(n,<<1>>) WHERE pk='a' AND sk=1`, "An operand in the update expression has an incorrect data type")
	c.invalidStatement(`UPDATE tab SET g=5 WHERE pk='a' AND sk=1`, notInvalid+"Type mismatch for Index Key g Expected: S Actual: N IndexName: gsi")
}

func TestDeleteStatements(t *testing.T) {
	c := statementTable(t)
	c.conditionFails(`DELETE FROM tab WHERE pk='b' AND sk=1 AND n=99`)
	if _, got := c.raw("ExecuteStatement", `{"Statement":"DELETE FROM tab WHERE pk='b' AND sk=1 AND n=99","ReturnValuesOnConditionCheckFailure":"ALL_OLD"}`); !strings.Contains(got, `"Item":{`) {
		t.Errorf("no item in %s", got)
	}
	c.selects(`DELETE FROM tab WHERE pk='b' AND sk=1 AND n=10 RETURNING ALL OLD *`, `[{"pk":{"S":"b"},"sk":{"N":"1"},"n":{"N":"10"}}]`)
	// Deleting what is not there does nothing, whatever else is asked of it.
	c.selects(`DELETE FROM tab WHERE pk='b' AND sk=1 AND n=10 RETURNING ALL OLD *`, `[]`)
	c.invalidStatement(`DELETE FROM tab WHERE pk='a'`, "Where clause does not contain a mandatory equality on all key attributes")
}

func TestStatementCapacity(t *testing.T) {
	c := statementTable(t)
	for statement, want := range map[string]string{
		`SELECT * FROM tab WHERE pk='a' AND sk=1`:         `{"TableName":"tab","CapacityUnits":0.5,"Table":{"CapacityUnits":0.5}}`,
		`SELECT * FROM tab.gsi WHERE g='x'`:               `{"TableName":"tab","CapacityUnits":0.5,"Table":{"CapacityUnits":0},"GlobalSecondaryIndexes":{"gsi":{"CapacityUnits":0.5}}}`,
		`UPDATE tab SET x=1 WHERE pk='b' AND sk=1`:        `{"TableName":"tab","CapacityUnits":1,"Table":{"CapacityUnits":1}}`,
		`INSERT INTO tab VALUE {'pk':'c','sk':1,'g':'x'}`: `{"TableName":"tab","CapacityUnits":2,"Table":{"CapacityUnits":1},"GlobalSecondaryIndexes":{"gsi":{"CapacityUnits":1}}}`,
	} {
		var answer struct{ ConsumedCapacity json.RawMessage }
		_ = json.Unmarshal([]byte(c.ok("ExecuteStatement", `{"ReturnConsumedCapacity":"INDEXES","Statement":`+quoted(statement)+`}`)), &answer)
		same(t, statement, string(answer.ConsumedCapacity), want)
	}
}

func TestBatchOfStatements(t *testing.T) {
	c := statementTable(t)
	batch := func(statements ...string) string {
		for i, s := range statements {
			statements[i] = `{"Statement":` + quoted(s) + `}`
		}
		return `{"Statements":[` + strings.Join(statements, ",") + `]}`
	}
	const selectKey = "Select statements within BatchExecuteStatement must specify the primary key in the where clause."
	c.want("BatchExecuteStatement", batch(`SELECT n FROM tab WHERE pk='b' AND sk=1`, `SELECT n FROM tab WHERE pk='zz' AND sk=1`, `SELECT * FROM nope WHERE pk='b'`,
		`SELECT * FROM tab WHERE pk='b'`, `SELECT * FROM tab.gsi WHERE g='x'`, `SLECT *`),
		`{"Responses":[{"TableName":"tab","Item":{"n":{"N":"10"}}},{"TableName":"tab"},{"Error":{"Code":"ResourceNotFound","Message":"Requested resource not found"}},
		{"Error":{"Code":"ValidationError","Message":"`+selectKey+`"}},{"Error":{"Code":"ValidationError","Message":"`+selectKey+`"}},
		{"Error":{"Code":"ValidationError","Message":"Statement wasn't well formed, can't be processed: Expected data manipulation"}}]}`)
	c.want("BatchExecuteStatement", batch(`INSERT INTO tab VALUE {'pk':'new','sk':1}`, `INSERT INTO tab VALUE {'pk':'a','sk':1}`, `UPDATE tab SET x=1 WHERE pk='zz' AND sk=1`,
		`DELETE FROM tab WHERE pk='b' AND sk=1 RETURNING ALL OLD *`, `UPDATE tab REMOVE n WHERE pk='a' AND sk=2 RETURNING MODIFIED NEW *`),
		`{"Responses":[{"TableName":"tab"},{"TableName":"tab","Error":{"Code":"DuplicateItem","Message":"Duplicate primary key exists in table"}},
		{"TableName":"tab","Error":{"Code":"ConditionalCheckFailed","Message":"The conditional request failed"}},
		{"TableName":"tab","Item":{"pk":{"S":"b"},"sk":{"N":"1"},"n":{"N":"10"}}},{"TableName":"tab"}]}`)
	c.selects(`SELECT sk FROM tab WHERE pk='new'`, `[{"sk":{"N":"1"}}]`)
	c.invalid("BatchExecuteStatement", batch(`SELECT * FROM tab WHERE pk='a' AND sk=1`, `DELETE FROM tab WHERE pk='a' AND sk=1`), "Read and write requests together in the same batch is not supported.")
	c.invalid("BatchExecuteStatement", batch(`DELETE FROM tab WHERE pk='a' AND sk=1`, `DELETE FROM tab WHERE pk='a' AND sk=1`), "Provided list of item keys contains duplicates")
	c.invalid("BatchExecuteStatement", batch(), oneError+"Value '[]' at 'statements' failed to satisfy constraint: Member must have length greater than or equal to 1")
}

func TestTransactionOfStatements(t *testing.T) {
	c := statementTable(t)
	transaction := func(statements ...string) string {
		for i, s := range statements {
			statements[i] = `{"Statement":` + quoted(s) + `}`
		}
		return `{"TransactStatements":[` + strings.Join(statements, ",") + `]}`
	}
	c.want("ExecuteTransaction", transaction(`SELECT n FROM tab WHERE pk='b' AND sk=1`, `SELECT n FROM tab WHERE pk='zz' AND sk=1`), `{"Responses":[{"Item":{"n":{"N":"10"}}},{}]}`)
	c.want("ExecuteTransaction", transaction(`EXISTS(SELECT * FROM tab WHERE pk='b' AND sk=1 AND n=10)`, `INSERT INTO tab VALUE {'pk':'t','sk':1}`, `UPDATE tab SET n=11 WHERE pk='a' AND sk=1`), `{"Responses":[]}`)
	status, got := c.raw("ExecuteTransaction", transaction(`INSERT INTO tab VALUE {'pk':'a','sk':1}`, `EXISTS(SELECT * FROM tab WHERE pk='zz' AND sk=1 AND n=10)`,
		`DELETE FROM tab WHERE pk='zz' AND sk=9 AND n=1`, `UPDATE tab SET n=12 WHERE pk='a' AND sk=2`))
	if status != 400 || !strings.Contains(got, "specific reasons [DuplicateItem, ConditionalCheckFailed, None, None]") {
		t.Errorf("%d %s", status, got)
	}
	c.selects(`SELECT n FROM tab WHERE pk='a' AND sk=2`, `[{"n":{"N":"20"}}]`)
	for message, statements := range map[string][]string{
		"Validation failed in TransactStatements[0]: Statement wasn't well formed, can't be processed: Unexpected term":                             {`SELECT * FROM tab WHERE`},
		"Validation failed in TransactStatements[1]: RETURNING clause is not supported in ExecuteTransaction.":                                      {`DELETE FROM tab WHERE pk='q' AND sk=1`, `UPDATE tab SET x=1 WHERE pk='a' AND sk=1 RETURNING ALL NEW *`},
		"Validation failed in TransactStatements[0]: Reads on indices are not supported within transactions.":                                       {`SELECT * FROM tab.gsi WHERE g='x'`},
		"Validation failed in TransactStatements[0]: Select statements within ExecuteTransaction must specify the primary key in the where clause.": {`SELECT * FROM tab WHERE pk='a'`},
		"Validation failed in TransactStatements[0]: EXISTS() must contain a single item read with additional condition":                            {`EXISTS(SELECT * FROM tab WHERE pk='a' AND sk=1)`},
		"ExecuteTransaction API does not support both read and write operations in the same request.":                                               {`SELECT * FROM tab WHERE pk='a' AND sk=1`, `DELETE FROM tab WHERE pk='q' AND sk=1`},
		"Transaction request cannot include multiple operations on one item":                                                                        {`DELETE FROM tab WHERE pk='q' AND sk=1`, `DELETE FROM tab WHERE pk='q' AND sk=1`},
	} {
		c.invalid("ExecuteTransaction", transaction(statements...), message)
	}
}

func TestTransactionOfStatementsIsRememberedByItsToken(t *testing.T) {
	c := statementTable(t)
	body := `{"ClientRequestToken":"token","ReturnConsumedCapacity":"TOTAL","TransactStatements":[{"Statement":"UPDATE tab SET n=n+? WHERE pk='b' AND sk=1","Parameters":[{"N":"1"}]}]}`
	c.want("ExecuteTransaction", body, `{"Responses":[],"ConsumedCapacity":[{"TableName":"tab","CapacityUnits":2,"WriteCapacityUnits":2}]}`)
	c.want("ExecuteTransaction", body, `{"Responses":[],"ConsumedCapacity":[{"TableName":"tab","CapacityUnits":2,"ReadCapacityUnits":2}]}`)
	c.selects(`SELECT n FROM tab WHERE pk='b'`, `[{"n":{"N":"11"}}]`)
	if _, got := c.raw("ExecuteTransaction", strings.Replace(body, `{"N":"1"}`, `{"N":"2"}`, 1)); !strings.Contains(got, "IdempotentParameterMismatchException") {
		t.Error(got)
	}
}

// allowOnly allows one action.
type allowOnly string

func (a allowOnly) Authorize(_ awsapi.Caller, action, resource string) error {
	if action != string(a) {
		return &awsapi.Error{Code: "AccessDenied", Message: action + " on " + resource}
	}
	return nil
}

func TestStatementsNeedTheirOwnPermissions(t *testing.T) {
	c := newClient(t, func(config *dynamodb.Config) { config.Authorizer = allowOnly("dynamodb:PartiQLSelect") })
	c.refused("ExecuteStatement", `{"Statement":"SELECT * FROM tab"}`, "ResourceNotFoundException", resourceGap)
	for verb, statement := range map[string]string{
		"PartiQLInsert": "INSERT INTO tab VALUE {'pk':'a'}", "PartiQLUpdate": "UPDATE tab SET x=1 WHERE pk='a'", "PartiQLDelete": "DELETE FROM tab WHERE pk='a'",
	} {
		c.refused("ExecuteStatement", `{"Statement":`+quoted(statement)+`}`, "AccessDeniedException", "dynamodb:"+verb+" on arn:aws:dynamodb:eu-west-1:123456789012:table/tab")
	}
}
