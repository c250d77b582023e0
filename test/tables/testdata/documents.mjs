// What apps written with the AWS SDK for JavaScript v3 do with a table.
import { createRequire } from "node:module";
import assert from "node:assert/strict";

const require = createRequire(process.env.MODULES + "/");
const {
  DynamoDBClient, CreateTableCommand, waitUntilTableExists, DescribeTableCommand, DeleteTableCommand,
  waitUntilTableNotExists, paginateScan, UpdateTimeToLiveCommand,
} = require("@aws-sdk/client-dynamodb");
const {
  DynamoDBDocumentClient, PutCommand, GetCommand, UpdateCommand, QueryCommand, DeleteCommand,
  TransactWriteCommand, BatchWriteCommand, BatchGetCommand, paginateQuery, ExecuteStatementCommand,
} = require("@aws-sdk/lib-dynamodb");

const client = new DynamoDBClient({ endpoint: process.env.ENDPOINT, region: "us-east-1", maxAttempts: 1 });
const db = DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } });
const TableName = "documents";

await client.send(new CreateTableCommand({
  TableName, BillingMode: "PAY_PER_REQUEST",
  AttributeDefinitions: [{ AttributeName: "room", AttributeType: "S" }, { AttributeName: "at", AttributeType: "N" }],
  KeySchema: [{ AttributeName: "room", KeyType: "HASH" }, { AttributeName: "at", KeyType: "RANGE" }],
}));
await waitUntilTableExists({ client, maxWaitTime: 30 }, { TableName });
await client.send(new UpdateTimeToLiveCommand({ TableName, TimeToLiveSpecification: { Enabled: true, AttributeName: "ttl" } }));

const item = { room: "a", at: 1, text: "héllo", tags: new Set(["x", "y"]), deep: { list: [1, "2", null, true, { z: [] }] }, raw: new Uint8Array([0, 255]), gone: undefined };
await db.send(new PutCommand({ TableName, Item: item, ConditionExpression: "attribute_not_exists(room)" }));
await assert.rejects(db.send(new PutCommand({ TableName, Item: item, ConditionExpression: "attribute_not_exists(room)", ReturnValuesOnConditionCheckFailure: "ALL_OLD" })),
  (e) => e.name === "ConditionalCheckFailedException" && e.message === "The conditional request failed" && e.Item.text.S === "héllo" && e.$metadata.httpStatusCode === 400);
const got = (await db.send(new GetCommand({ TableName, Key: { room: "a", at: 1 }, ConsistentRead: true }))).Item;
delete item.gone;
assert.deepEqual(got, item);
assert.equal((await db.send(new GetCommand({ TableName, Key: { room: "none", at: 1 } }))).Item, undefined);

const updated = await db.send(new UpdateCommand({
  TableName, Key: { room: "a", at: 1 }, UpdateExpression: "SET deep.#l = list_append(deep.#l, :more), n = if_not_exists(n, :zero) + :one REMOVE #t",
  ExpressionAttributeNames: { "#l": "list", "#t": "text" }, ExpressionAttributeValues: { ":more": ["end"], ":zero": 0, ":one": 1 }, ReturnValues: "UPDATED_NEW",
}));
assert.deepEqual(updated.Attributes, { deep: { list: [1, "2", null, true, { z: [] }, "end"] }, n: 1 });

for (let at = 2; at < 52; at += 25) {
  const puts = Array.from({ length: 25 }, (_, i) => ({ PutRequest: { Item: { room: "a", at: at + i, even: (at + i) % 2 === 0 } } }));
  assert.deepEqual((await db.send(new BatchWriteCommand({ RequestItems: { [TableName]: puts } }))).UnprocessedItems, {});
}
let seen = 0;
for await (const page of paginateQuery({ client: db, pageSize: 7 }, {
  TableName, KeyConditionExpression: "room = :r AND #at BETWEEN :low AND :high", FilterExpression: "even = :t", ScanIndexForward: false,
  ExpressionAttributeNames: { "#at": "at" }, ExpressionAttributeValues: { ":r": "a", ":low": 10, ":high": 30, ":t": true },
})) seen += page.Count;
assert.equal(seen, 11);
let scanned = 0;
for await (const page of paginateScan({ client }, { TableName, Limit: 20 })) scanned += page.Items.length;
assert.equal(scanned, 51);
assert.equal((await db.send(new QueryCommand({ TableName, Select: "COUNT", KeyConditionExpression: "room = :r", ExpressionAttributeValues: { ":r": "a" } }))).Count, 51);
assert.equal((await db.send(new BatchGetCommand({ RequestItems: { [TableName]: { Keys: [{ room: "a", at: 1 }, { room: "a", at: 99 }] } } }))).Responses[TableName].length, 1);

await assert.rejects(db.send(new TransactWriteCommand({ TransactItems: [
  { Put: { TableName, Item: { room: "b", at: 1 } } },
  { ConditionCheck: { TableName, Key: { room: "none", at: 1 }, ConditionExpression: "attribute_exists(room)" } },
] })), (e) => e.name === "TransactionCanceledException" && e.CancellationReasons[0].Code === "None" && e.CancellationReasons[1].Code === "ConditionalCheckFailed");
await db.send(new TransactWriteCommand({ TransactItems: [{ Put: { TableName, Item: { room: "b", at: 1 } } }, { Delete: { TableName, Key: { room: "a", at: 2 } } }] }));
assert.deepEqual((await db.send(new ExecuteStatementCommand({ Statement: `SELECT room FROM "${TableName}" WHERE room = ? AND "at" = ?`, Parameters: ["b", 1] }))).Items, [{ room: "b" }]);
assert.deepEqual((await db.send(new DeleteCommand({ TableName, Key: { room: "b", at: 1 }, ReturnValues: "ALL_OLD" }))).Attributes, { room: "b", at: 1 });

assert.equal((await client.send(new DescribeTableCommand({ TableName }))).Table.ItemCount, 50);
await client.send(new DeleteTableCommand({ TableName }));
await waitUntilTableNotExists({ client, maxWaitTime: 30 }, { TableName });
await assert.rejects(client.send(new DescribeTableCommand({ TableName })), { name: "ResourceNotFoundException" });
console.log("OK");
