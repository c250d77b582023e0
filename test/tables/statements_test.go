package tables

import (
	"strings"
	"testing"
)

// execute is a statement with its parameters, which are attribute values.
func execute(statement string, parameters ...string) line {
	return line{operation: "ExecuteStatement", body: statementBody(statement, parameters...)}
}

func statementBody(statement string, parameters ...string) string {
	if len(parameters) == 0 {
		return `{"Statement":` + quote(statement) + `}`
	}
	return `{"Statement":` + quote(statement) + `,"Parameters":[` + strings.Join(parameters, ",") + `]}`
}

func batch(statements ...string) line {
	return line{operation: "BatchExecuteStatement", body: `{"Statements":[` + strings.Join(statements, ",") + `]}`}
}

func transaction(statements ...string) line {
	return line{operation: "ExecuteTransaction", body: `{"TransactStatements":[` + strings.Join(statements, ",") + `]}`}
}

// but says how DynamoDB Local's answer begins where it differs.
func (l line) but(local string) line {
	l.local = local
	return l
}

// statements are played in order on tables one and two.
var statements = []line{
	// INSERT.
	execute(`INSERT INTO one VALUE {'pk': 'p', 'a': 1, 'm': {'x': 'deep', 'y': [1, 2, 'three']}, 'ss': <<'a', 'b'>>, 'nul': NULL, 'yes': TRUE}`),
	execute(`INSERT INTO one VALUE {'pk': 'q', 'a': 2, 'l': ['a', 'b'], 'ns': <<1, 2>>}`),
	execute(`INSERT INTO one VALUE {'pk': ?, 'a': ?}`, `{"S":"r"}`, `{"N":"3"}`),
	execute(`INSERT INTO one VALUE {'pk': 'p', 'a': 9}`).but("400 DuplicateItem: "),
	execute(`INSERT INTO one VALUE {'a': 9}`),
	execute(`INSERT INTO one VALUE {'pk': 9}`),
	execute(`INSERT INTO none VALUE {'pk': 'p'}`).but("400 ResourceNotFoundException: Cannot do operations"),
	execute(`INSERT INTO two VALUE {'pk': 'p', 'sk': 1, 'g': 'x', 'n': 1, 'l': 'l1', 'a': 10}`),
	execute(`INSERT INTO two VALUE {'pk': 'p', 'sk': 2, 'g': 'x', 'n': 2, 'l': 'l2', 'a': 20}`),
	execute(`INSERT INTO two VALUE {'pk': 'p', 'sk': 3, 'g': 'y', 'n': 3, 'l': 'l3', 'a': 30, 'b': 'seen'}`),
	execute(`INSERT INTO two VALUE {'pk': 'q', 'sk': 1, 'a': 40}`),

	// SELECT by key.
	execute(`SELECT * FROM one WHERE pk = 'p'`),
	execute(`SELECT * FROM "one" WHERE "pk" = ?`, `{"S":"p"}`),
	execute(`SELECT a FROM one WHERE pk = 'p'`),
	execute(`SELECT m.x, m.y[2] FROM one WHERE pk = 'p'`),
	execute(`SELECT * FROM one WHERE pk = 'missing'`),
	execute(`SELECT nope FROM one WHERE pk = 'p'`),
	execute(`SELECT sk, a FROM two WHERE pk = 'p'`),
	execute(`SELECT sk FROM two WHERE pk = 'p' AND sk > 1`),
	execute(`SELECT sk FROM two WHERE pk = 'p' AND sk BETWEEN 2 AND 3`),
	execute(`SELECT sk FROM two WHERE pk = 'p' ORDER BY sk DESC`).but("500 InternalFailure: "),
	execute(`SELECT sk FROM two WHERE pk = 'p' AND a >= ?`, `{"N":"20"}`),
	execute(`SELECT pk, sk FROM two WHERE pk IN ['p', 'q'] AND sk = 1`),
	execute(`SELECT pk, sk FROM two WHERE pk = 'q' OR pk = 'p'`),

	// SELECT of an index.
	execute(`SELECT * FROM two.gsi WHERE g = 'x'`),
	execute(`SELECT sk FROM "two"."gsi" WHERE g = 'x' AND n > 1`),
	execute(`SELECT pk, sk, a FROM two.lsi WHERE pk = 'p' AND l > 'l1'`),
	execute(`SELECT b FROM two.lsi WHERE pk = 'p' AND l = 'l3'`),
	execute(`SELECT * FROM two.none WHERE pk = 'p'`).but("400 ValidationException: The table does not have the specified index: none"),

	// SELECT by a scan with a filter.
	execute(`SELECT * FROM one`),
	execute(`SELECT pk FROM one WHERE a > 1`),
	execute(`SELECT pk FROM one WHERE a <> 2`),
	execute(`SELECT pk FROM one WHERE a IN [1, 3]`),
	execute(`SELECT pk FROM one WHERE begins_with(m.x, 'de')`),
	execute(`SELECT pk FROM one WHERE contains(ss, 'a')`),
	execute(`SELECT pk FROM one WHERE size(l) = 2`),
	execute(`SELECT pk FROM one WHERE attribute_type(ns, 'NS')`),
	execute(`SELECT pk FROM one WHERE m IS MISSING`),
	execute(`SELECT pk FROM one WHERE nul IS NULL`),
	execute(`SELECT pk FROM one WHERE NOT (a = 1 OR a = 2)`),
	execute(`SELECT pk FROM one WHERE yes = TRUE`),
	execute(`SELECT * FROM none`).but("400 ResourceNotFoundException: Cannot do operations"),

	// UPDATE.
	execute(`UPDATE one SET a = 5 WHERE pk = 'p'`),
	execute(`UPDATE one SET a = a + 1 SET b = 'new' WHERE pk = 'p' RETURNING ALL NEW *`),
	execute(`UPDATE one SET a = a - 2 WHERE pk = 'p' RETURNING MODIFIED NEW *`),
	execute(`UPDATE one SET a = 7 WHERE pk = 'p' RETURNING MODIFIED OLD *`),
	execute(`UPDATE one REMOVE b WHERE pk = 'p' RETURNING ALL OLD *`),
	execute(`UPDATE one SET l = list_append(l, ['c']) WHERE pk = 'q' RETURNING ALL NEW *`),
	execute(`UPDATE one SET ns = set_add(ns, <<3, 4>>) WHERE pk = 'q' RETURNING ALL NEW *`),
	execute(`UPDATE one SET ns = set_delete(ns, <<1>>) WHERE pk = 'q' RETURNING ALL NEW *`),
	execute(`UPDATE one SET ss = set_add(ss, ?) WHERE pk = 'p' RETURNING ALL NEW *`, `{"SS":["c"]}`),
	execute(`UPDATE one SET m.y[0] = 'first' REMOVE m.x WHERE pk = 'p' RETURNING ALL NEW *`),
	execute(`UPDATE one SET a = 8 WHERE pk = 'p' AND a = 7`),
	execute(`UPDATE one SET a = 9 WHERE pk = 'p' AND a = 7`),
	execute(`UPDATE one SET a = 1 WHERE pk = 'missing'`),
	execute(`UPDATE one SET a = 1 WHERE a = 8`),
	execute(`UPDATE one SET pk = 'x' WHERE pk = 'p'`),
	execute(`UPDATE two SET a = ? WHERE pk = ? AND sk = ? RETURNING ALL OLD *`, `{"N":"11"}`, `{"S":"p"}`, `{"N":"1"}`),
	execute(`UPDATE two SET a = 1 WHERE pk = 'p'`),

	// DELETE.
	execute(`DELETE FROM one WHERE pk = 'r' RETURNING ALL OLD *`),
	execute(`DELETE FROM one WHERE pk = 'r'`),
	execute(`DELETE FROM one WHERE pk = 'q' AND a = 99`),
	execute(`DELETE FROM one WHERE a = 1`),
	execute(`DELETE FROM two WHERE pk = 'q' AND sk = 1`),
	execute(`DELETE FROM two WHERE pk = 'q'`),

	// What cannot be read.
	execute(``).but("400 ValidationException: Statement wasn't well formed, can't be processed: "),
	execute(`SELECT`).but("400 ValidationException: Statement wasn't well formed, can't be processed: SELECT"),
	execute(`SELECT * FROM one WHERE`).but("400 ValidationException: Statement wasn't well formed, can't be processed: SELECT"),
	execute(`SELECT * FROM one WHERE pk = ?`),
	execute(`SELECT * FROM one WHERE pk = 'p'`, `{"S":"one too many"}`),
	execute(`SELECT * FROM one WHERE unknown(a)`).but("400 ValidationException: Statement wasn't well formed, can't be processed: SELECT"),
	execute(`DROP TABLE one`),

	// Batches.
	batch(statementBody(`SELECT * FROM one WHERE pk = 'p'`), statementBody(`SELECT * FROM one WHERE pk = 'missing'`), statementBody(`SELECT a FROM two WHERE pk = ? AND sk = ?`, `{"S":"p"}`, `{"N":"2"}`)),
	batch(statementBody(`SELECT * FROM two WHERE pk = 'p'`)).but(`{"Responses":[{"Error":{"Code":"ValidationError","Message":"Only single item select`),
	batch(statementBody(`INSERT INTO one VALUE {'pk': 'p'}`), statementBody(`INSERT INTO one VALUE {'pk': 's', 'a': 1}`), statementBody(`UPDATE one SET a = 1 WHERE pk = 'missing'`), statementBody(`DELETE FROM one WHERE pk = 'q'`)),
	batch(statementBody(`SELECT * FROM one WHERE pk = 'p'`), statementBody(`DELETE FROM one WHERE pk = 'q'`)),
	batch(statementBody(`UPDATE one SET a = 1 WHERE pk = 's'`), statementBody(`UPDATE one SET a = 2 WHERE pk = 's'`)),
	batch().but("400 ValidationException: The statement was empty."),

	// Transactions.
	transaction(statementBody(`INSERT INTO one VALUE {'pk': 't', 'a': 1}`), statementBody(`UPDATE one SET a = 50 WHERE pk = 's'`), statementBody(`DELETE FROM two WHERE pk = 'p' AND sk = 3`)),
	transaction(statementBody(`SELECT * FROM one WHERE pk = 't'`), statementBody(`SELECT a FROM one WHERE pk = 's'`), statementBody(`SELECT * FROM one WHERE pk = 'missing'`)),
	transaction(statementBody(`EXISTS(SELECT * FROM one WHERE pk = 't' AND a = 1)`), statementBody(`UPDATE one SET a = 51 WHERE pk = 's'`)),
	transaction(statementBody(`EXISTS(SELECT * FROM one WHERE pk = 't' AND a = 2)`), statementBody(`UPDATE one SET a = 52 WHERE pk = 's'`)),
	transaction(statementBody(`INSERT INTO one VALUE {'pk': 't'}`), statementBody(`DELETE FROM one WHERE pk = 's'`)).but("400 ValidationException: Duplicate primary key"),
	transaction(statementBody(`UPDATE one SET a = 1 WHERE pk = 'missing'`)),
	transaction(statementBody(`SELECT * FROM one WHERE pk = 't'`), statementBody(`DELETE FROM one WHERE pk = 's'`)),
	transaction(statementBody(`UPDATE one SET a = 1 WHERE pk = 's'`), statementBody(`DELETE FROM one WHERE pk = 's'`)),

	// What is there after all of them.
	{operation: "Scan", body: `{"TableName":"one"}`},
	{operation: "Scan", body: `{"TableName":"two"}`},
}

// PartiQL statements get the same answers from both.
func TestStatementsAgreeWithDynamoDBLocal(t *testing.T) {
	if testing.Short() {
		t.Skip("starts Java")
	}
	t.Parallel()
	suiro, local := startSuiro(t), startLocal(t)
	for _, s := range []*server{suiro, local} {
		done(t, s, "CreateTable", tableOne)
		done(t, s, "CreateTable", tableTwo)
	}
	play(t, suiro, local, statements)
}
