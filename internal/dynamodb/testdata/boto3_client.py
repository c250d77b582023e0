"""What a Python program does with a table, through boto3 as it is."""
import decimal
import os
import time

import boto3
from boto3.dynamodb.conditions import Attr, Key
from botocore.config import Config
from botocore.exceptions import ClientError

options = dict(
    endpoint_url=os.environ["ENDPOINT"], region_name="eu-west-1",
    aws_access_key_id="key", aws_secret_access_key="secret",
    config=Config(retries={"max_attempts": 0}))
client = boto3.client("dynamodb", **options)
dynamodb = boto3.resource("dynamodb", **options)

table = dynamodb.create_table(
    TableName="chat", BillingMode="PAY_PER_REQUEST",
    AttributeDefinitions=[
        {"AttributeName": n, "AttributeType": t} for n, t in (("room", "S"), ("at", "N"), ("user", "S"))],
    KeySchema=[{"AttributeName": "room", "KeyType": "HASH"}, {"AttributeName": "at", "KeyType": "RANGE"}],
    GlobalSecondaryIndexes=[{
        "IndexName": "by-user", "Projection": {"ProjectionType": "ALL"},
        "KeySchema": [{"AttributeName": "user", "KeyType": "HASH"}, {"AttributeName": "at", "KeyType": "RANGE"}]}])
table.wait_until_exists()
table.reload()
assert table.item_count == 0 and table.table_status == "ACTIVE", table.table_status

with table.batch_writer() as batch:
    for i in range(60):
        batch.put_item(Item={
            "room": "lobby", "at": i, "user": "ann" if i % 3 else "bob", "text": "é" * i, "price": decimal.Decimal("1.10"),
            "raw": b"\x00\xff", "tags": {"b", "a"}, "deep": {"list": [1, None, True, {"x": "y"}]}})

got = table.get_item(Key={"room": "lobby", "at": 2})["Item"]
assert got["price"] == decimal.Decimal("1.1") and got["raw"] == b"\x00\xff" and got["tags"] == {"a", "b"}, got
assert got["deep"] == {"list": [1, None, True, {"x": "y"}]}, got

page = table.query(KeyConditionExpression=Key("room").eq("lobby") & Key("at").between(10, 19), ScanIndexForward=False)
assert [int(i["at"]) for i in page["Items"]] == list(range(19, 9, -1)), page
page = table.query(IndexName="by-user", KeyConditionExpression=Key("user").eq("bob"), FilterExpression=Attr("text").contains("é"))
assert page["Count"] == 19 and page["ScannedCount"] == 20, page

found = 0
for page in client.get_paginator("scan").paginate(TableName="chat", PaginationConfig={"PageSize": 7}):
    found += page["Count"]
assert found == 60, found
assert sum(table.scan(Segment=s, TotalSegments=4)["Count"] for s in range(4)) == 60

table.update_item(
    Key={"room": "lobby", "at": 1}, UpdateExpression="SET #d.#l[4] = :v, n = if_not_exists(n, :z) + :o REMOVE price",
    ExpressionAttributeNames={"#d": "deep", "#l": "list"}, ExpressionAttributeValues={":v": "end", ":z": 0, ":o": 1})
got = table.get_item(Key={"room": "lobby", "at": 1}, ConsistentRead=True)["Item"]
assert got["deep"]["list"][-1] == "end" and got["n"] == 1 and "price" not in got, got

try:
    table.put_item(Item={"room": "lobby", "at": 1}, ConditionExpression=Attr("room").not_exists(),
                   ReturnValuesOnConditionCheckFailure="ALL_OLD")
    assert False, "the condition was not checked"
except client.exceptions.ConditionalCheckFailedException as e:
    assert e.response["Item"]["room"] == {"S": "lobby"}, e.response

try:
    client.transact_write_items(TransactItems=[
        {"Put": {"TableName": "chat", "Item": {"room": {"S": "x"}, "at": {"N": "1"}}}},
        {"ConditionCheck": {"TableName": "chat", "Key": {"room": {"S": "none"}, "at": {"N": "1"}}, "ConditionExpression": "attribute_exists(room)"}}])
    assert False, "the transaction went through"
except client.exceptions.TransactionCanceledException as e:
    assert [r["Code"] for r in e.response["CancellationReasons"]] == ["None", "ConditionalCheckFailed"], e.response

try:
    client.describe_table(TableName="none")
    assert False
except client.exceptions.ResourceNotFoundException as e:
    assert "Table: none not found" in str(e)
try:
    table.get_item(Key={"room": 1, "at": 1})
    assert False
except ClientError as e:
    assert e.response["Error"]["Code"] == "ValidationException", e.response

got = dynamodb.batch_get_item(RequestItems={"chat": {"Keys": [{"room": "lobby", "at": i} for i in (1, 2, 99)]}})
assert len(got["Responses"]["chat"]) == 2 and got["UnprocessedKeys"] == {}, got

client.update_time_to_live(TableName="chat", TimeToLiveSpecification={"Enabled": True, "AttributeName": "until"})
table.put_item(Item={"room": "gone", "at": 1, "until": int(time.time()) - 5})
for _ in range(100):
    if "Item" not in table.get_item(Key={"room": "gone", "at": 1}):
        break
    time.sleep(0.1)
else:
    assert False, "an expired item stays"

client.update_table(
    TableName="chat", AttributeDefinitions=[{"AttributeName": "text", "AttributeType": "S"}],
    GlobalSecondaryIndexUpdates=[{"Create": {"IndexName": "by-text", "Projection": {"ProjectionType": "KEYS_ONLY"},
                                             "KeySchema": [{"AttributeName": "text", "KeyType": "HASH"}]}}])
for _ in range(100):
    indexes = {i["IndexName"]: i["IndexStatus"] for i in client.describe_table(TableName="chat")["Table"]["GlobalSecondaryIndexes"]}
    if indexes.get("by-text") == "ACTIVE":
        break
    time.sleep(0.1)
assert table.query(IndexName="by-text", KeyConditionExpression=Key("text").eq("ééé"))["Count"] == 1

streams = boto3.client("dynamodbstreams", endpoint_url=os.environ["ENDPOINT"], region_name="eu-west-1", aws_access_key_id="key", aws_secret_access_key="secret")
arn = client.update_table(TableName="chat", StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"})["TableDescription"]["LatestStreamArn"]
shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
iterator = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
table.put_item(Item={"room": "stream", "at": 1, "blob": b"foobar"})
page = streams.get_records(ShardIterator=iterator)
assert page["Records"][0]["dynamodb"]["NewImage"]["blob"] == {"B": b"foobar"}, page
try:
    streams.get_records(ShardIterator="nonsense")
    assert False, "it reads nonsense"
except streams.exceptions.ClientError as e:
    assert e.response["Error"] == {"Code": "ValidationException", "Message": "Invalid ShardIterator"}, e.response

table.delete()
table.wait_until_not_exists()
assert client.list_tables()["TableNames"] == []
print("OK")
