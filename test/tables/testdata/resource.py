"""What apps written with boto3 do with a table: its resource and its client."""
import os
from decimal import Decimal

import boto3
from boto3.dynamodb.conditions import Attr, Key
from botocore.exceptions import ClientError

here = {"endpoint_url": os.environ["ENDPOINT"], "region_name": "us-east-1"}
db, client = boto3.resource("dynamodb", **here), boto3.client("dynamodb", **here)

table = db.create_table(
    TableName="resource", BillingMode="PAY_PER_REQUEST",
    AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in ("pk", "sk", "g")],
    KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    GlobalSecondaryIndexes=[{"IndexName": "by-g", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"}}],
    Tags=[{"Key": "team", "Value": "a"}])
table.wait_until_exists()

with table.batch_writer(overwrite_by_pkeys=["pk", "sk"]) as batch:
    for i in range(60):
        batch.put_item(Item={"pk": "p", "sk": f"{i:03}", "n": Decimal(i), "g": f"g{i % 3}", "b": bytes([i])})
    batch.put_item(Item={"pk": "p", "sk": "000", "n": Decimal("0.1")})
assert table.scan(Select="COUNT")["Count"] == 60

page = table.query(KeyConditionExpression=Key("pk").eq("p") & Key("sk").begins_with("00"), FilterExpression=Attr("n").lt(5) & Attr("g").exists())
assert [i["sk"] for i in page["Items"]] == ["001", "002", "003", "004"] and page["ScannedCount"] == 10, page
by_g = table.query(IndexName="by-g", KeyConditionExpression=Key("g").eq("g1"))
assert by_g["Count"] == 20
assert table.get_item(Key={"pk": "p", "sk": "000"})["Item"]["n"] == Decimal("0.1")

answer = table.update_item(
    Key={"pk": "p", "sk": "001"}, UpdateExpression="ADD n :one SET #l = :l",
    ExpressionAttributeNames={"#l": "list"}, ExpressionAttributeValues={":one": 1, ":l": [{"a": {Decimal(1), Decimal(2)}}]},
    ReturnValues="ALL_NEW", ReturnConsumedCapacity="TOTAL")
assert answer["Attributes"]["n"] == 2 and answer["Attributes"]["list"] == [{"a": {Decimal(1), Decimal(2)}}]
assert answer["ConsumedCapacity"] == {"TableName": "resource", "CapacityUnits": 2.0}, answer["ConsumedCapacity"]

try:
    table.put_item(Item={"pk": "p", "sk": "001"}, ConditionExpression=Attr("pk").not_exists())
    raise AssertionError("the condition held")
except client.exceptions.ConditionalCheckFailedException as e:
    assert e.response["ResponseMetadata"]["HTTPStatusCode"] == 400
try:
    table.put_item(Item={"pk": "p"})
    raise AssertionError("a key was missing")
except ClientError as e:
    assert e.response["Error"]["Code"] == "ValidationException" and "Missing the key sk in the item" in e.response["Error"]["Message"], e

pages = client.get_paginator("scan").paginate(TableName="resource", PaginationConfig={"PageSize": 25})
assert [len(p["Items"]) for p in pages] == [25, 25, 10]
segments = [client.scan(TableName="resource", Segment=i, TotalSegments=3)["Count"] for i in range(3)]
assert sum(segments) == 60
client.transact_write_items(TransactItems=[
    {"Update": {"TableName": "resource", "Key": {"pk": {"S": "p"}, "sk": {"S": "002"}}, "UpdateExpression": "SET x = :x", "ExpressionAttributeValues": {":x": {"BOOL": True}}}},
    {"Delete": {"TableName": "resource", "Key": {"pk": {"S": "p"}, "sk": {"S": "003"}}}}], ClientRequestToken="token-1")
got = client.transact_get_items(TransactItems=[{"Get": {"TableName": "resource", "Key": {"pk": {"S": "p"}, "sk": {"S": k}}, "ProjectionExpression": "x"}} for k in ("002", "003")])
assert got["Responses"] == [{"Item": {"x": {"BOOL": True}}}, {}], got["Responses"]
assert client.list_tags_of_resource(ResourceArn=table.table_arn)["Tags"] == [{"Key": "team", "Value": "a"}]

# As NoSQL Workbench does when it connects and opens a table.
assert "resource" in client.list_tables(Limit=100)["TableNames"]
described = client.describe_table(TableName="resource")["Table"]
assert described["TableStatus"] == "ACTIVE" and described["ItemCount"] == 59
client.describe_continuous_backups(TableName="resource")
client.describe_time_to_live(TableName="resource")
client.describe_limits()
assert client.execute_statement(Statement='SELECT * FROM "resource"."by-g" WHERE "g" = ?', Parameters=[{"S": "g0"}])["Items"]

table.delete()
table.wait_until_not_exists()
print("OK")
