# What scripts do with tables through the AWS CLI ($1).
set -euo pipefail
aws=$1
ddb() { "$aws" dynamodb --endpoint-url "$ENDPOINT" --output json "$@"; }
ddb create-table --table-name cli --billing-mode PAY_PER_REQUEST --attribute-definitions AttributeName=id,AttributeType=S \
  --key-schema AttributeName=id,KeyType=HASH >/dev/null
ddb wait table-exists --table-name cli
ddb batch-write-item --request-items '{"cli":[{"PutRequest":{"Item":{"id":{"S":"1"},"n":{"N":"1"}}}},{"PutRequest":{"Item":{"id":{"S":"2"},"n":{"N":"2"}}}}]}' >/dev/null
test "$(ddb scan --table-name cli --page-size 1 --query 'length(Items)')" = 2
test "$(ddb update-item --table-name cli --key '{"id":{"S":"2"}}' --update-expression 'SET n = n + :d' \
  --expression-attribute-values '{":d":{"N":"40"}}' --return-values ALL_NEW --query 'Attributes.n.N' --output text)" = 42
out=$(ddb delete-item --table-name cli --key '{"id":{"S":"9"}}' --condition-expression 'attribute_exists(id)' 2>&1) && exit 1
grep -q '(ConditionalCheckFailedException) when calling the DeleteItem operation: The conditional request failed' <<<"$out"
test "$(ddb execute-statement --statement "SELECT n FROM \"cli\" WHERE id='2'" --query 'Items[0].n.N' --output text)" = 42
ddb delete-table --table-name cli >/dev/null
ddb wait table-not-exists --table-name cli
echo OK
